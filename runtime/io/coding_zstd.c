#include "io/coding.h"
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { WINDOW_LOG_MAX = 23 }; /* RFC 9659: 8 MiB */

struct stream {
    ZSTD_DCtx *context; /* owned */
    bool in_frame;
};

static void *open_stream(void)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->context = ZSTD_createDCtx();
    if (!stream->context) {
        free(stream);
        return NULL;
    }
    ZSTD_DCtx_setParameter(stream->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return stream;
}

static void close_stream(void *self)
{
    struct stream *stream = self;
    ZSTD_freeDCtx(stream->context);
    free(stream);
}

/* RFC 8878 §3: frames and skippable ones. Debian's library also reads the formats from before there
 * was a standard, though only when their magic number comes whole: those are told by this byte. */
static bool begins_frame(unsigned char first)
{
    return first == 0x28 || first >> 4 == 5;
}

static enum aggr_coding_result step(void *self, struct aggr_coding_io *io)
{
    struct stream *stream = self;
    if (!stream->in_frame && io->in_len > 0 && !begins_frame((unsigned char)*io->in)) {
        io->why = "Unknown frame descriptor";
        return AGGR_CODING_CORRUPT;
    }
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_len, 0};
    size_t code = ZSTD_decompressStream(stream->context, &out, &in);
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->out_len -= out.pos;
    stream->in_frame = code != 0;
    if (code == 0)
        return AGGR_CODING_END;
    if (!ZSTD_isError(code))
        return AGGR_CODING_MORE;
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        return AGGR_CODING_MEMORY;
    io->why = ZSTD_getErrorName(code);
    return AGGR_CODING_CORRUPT;
}

/* One frame may follow another. */
static bool restart(void *stream, unsigned char first)
{
    (void)stream;
    return begins_frame(first);
}

const struct aggr_coding aggr_coding_zstd = {"zstd", open_stream, step, restart, close_stream};
