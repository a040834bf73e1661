#define ZLIB_CONST /* next_in is const */
#include "io/coding.h"
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { WINDOW_GZIP = 15 + 16, WINDOW_ZLIB = 15, WINDOW_RAW = -15 };

struct stream {
    z_stream z;
    int window; /* 0: a deflate body whose first byte has still to say which */
    bool ready; /* inflateInit2 has succeeded */
};

static void *open_gzip(void)
{
    struct stream *s = calloc(1, sizeof *s);
    if (s)
        s->window = WINDOW_GZIP;
    return s;
}

static void *open_deflate(void)
{
    return calloc(1, sizeof(struct stream));
}

static void close_stream(void *stream)
{
    struct stream *s = stream;
    if (s->ready)
        inflateEnd(&s->z);
    free(s);
}

/* "deflate" means a zlib header, yet some servers send bare deflate data. A zlib header's first
 * byte says method 8 and a window of at most 32 KiB; as bare data it would be a stored block with
 * junk padding, which no encoder writes. */
static int window_of(unsigned char first)
{
    return (first & 0x0f) == 8 && first >> 4 <= 7 ? WINDOW_ZLIB : WINDOW_RAW;
}

static uInt clamp(size_t len)
{
    return len < UINT_MAX ? (uInt)len : UINT_MAX;
}

static enum aggr_coding_result judge(struct stream *s, int code, struct aggr_coding_io *io)
{
    switch (code) {
    case Z_OK:
    case Z_BUF_ERROR: /* no progress possible: not an error */
        return AGGR_CODING_MORE;
    case Z_STREAM_END:
        return AGGR_CODING_END;
    case Z_MEM_ERROR:
        return AGGR_CODING_MEMORY;
    case Z_NEED_DICT:
        io->why = "it needs a preset dictionary";
        return AGGR_CODING_CORRUPT;
    default:
        io->why = s->z.msg ? s->z.msg : "invalid data";
        return AGGR_CODING_CORRUPT;
    }
}

static enum aggr_coding_result step(void *stream, struct aggr_coding_io *io)
{
    struct stream *s = stream;
    if (!s->ready) {
        if (io->in_len == 0)
            return AGGR_CODING_MORE;
        if (s->window == 0)
            s->window = window_of((unsigned char)*io->in);
        if (inflateInit2(&s->z, s->window) != Z_OK)
            return AGGR_CODING_MEMORY;
        s->ready = true;
    }
    uInt in = clamp(io->in_len), out = clamp(io->out_len);
    s->z.next_in = (const Bytef *)io->in;
    s->z.avail_in = in;
    s->z.next_out = (Bytef *)io->out;
    s->z.avail_out = out;
    int code = inflate(&s->z, Z_NO_FLUSH);
    io->in += in - s->z.avail_in;
    io->in_len -= in - s->z.avail_in;
    io->out += out - s->z.avail_out;
    io->out_len -= out - s->z.avail_out;
    return judge(s, code, io);
}

/* RFC 1952 §2.2: members simply follow one another. */
static bool restart_gzip(void *stream, unsigned char first)
{
    struct stream *s = stream;
    return first == 0x1f && inflateReset(&s->z) == Z_OK;
}

const struct aggr_coding aggr_coding_gzip = {"gzip", open_gzip, step, restart_gzip, close_stream};
const struct aggr_coding aggr_coding_deflate = {"deflate", open_deflate, step, NULL, close_stream};
