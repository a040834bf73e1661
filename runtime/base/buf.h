/* buf.h -- a growable run of bytes whose size the outside world decides: growth can fail cleanly.
 *
 *   {0} -> append* -> deinit          (or steal, after which it is {0} again)
 */
#pragma once
#include "base/err.h"

struct aggr_buf {
    char *data; /* owned; NULL while cap is 0 */
    size_t len, cap;
};

void aggr_buf_deinit(struct aggr_buf *buf);

/* Room for `extra` more bytes after len. AGGR_ERR_MEMORY leaves the buffer as it was. */
enum aggr_err aggr_buf_reserve(struct aggr_buf *buf, size_t extra);

enum aggr_err aggr_buf_append(struct aggr_buf *buf, const void *bytes, size_t len);

/* Forget the bytes, keep the memory. */
static inline void aggr_buf_clear(struct aggr_buf *buf)
{
    buf->len = 0;
}
