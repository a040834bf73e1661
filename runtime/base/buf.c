#include "base/buf.h"
#include <stdint.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void aggr_buf_deinit(struct aggr_buf *buf)
{
    free(buf->data);
    *buf = (struct aggr_buf){0};
}

enum aggr_err aggr_buf_reserve(struct aggr_buf *buf, size_t extra)
{
    if (extra <= buf->cap - buf->len)
        return AGGR_OK;
    if (extra > SIZE_MAX / 2 - buf->len)
        return AGGR_ERR_MEMORY;
    size_t needed = buf->len + extra;
    size_t cap = buf->cap < FIRST_CAP ? FIRST_CAP : buf->cap + buf->cap / 2;
    if (cap < needed)
        cap = needed;
    char *data = realloc(buf->data, cap);
    if (!data)
        return AGGR_ERR_MEMORY;
    buf->data = data;
    buf->cap = cap;
    return AGGR_OK;
}

enum aggr_err aggr_buf_append(struct aggr_buf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return AGGR_OK;
    enum aggr_err err = aggr_buf_reserve(buf, len);
    if (err == AGGR_OK) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
    }
    return err;
}
