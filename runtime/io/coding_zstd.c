#include "io/coding.h"
#include <zstd.h>
#include <zstd_errors.h>

enum { WINDOW_LOG_MAX = 23 }; /* RFC 9659: 8 MiB */

static void *open_stream(void)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context)
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return context;
}

static void close_stream(void *stream)
{
    ZSTD_freeDCtx(stream);
}

static enum aggr_coding_result step(void *stream, struct aggr_coding_io *io)
{
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_len, 0};
    size_t code = ZSTD_decompressStream(stream, &out, &in);
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->out_len -= out.pos;
    if (code == 0)
        return AGGR_CODING_END;
    if (!ZSTD_isError(code))
        return AGGR_CODING_MORE;
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        return AGGR_CODING_MEMORY;
    io->why = ZSTD_getErrorName(code);
    return AGGR_CODING_CORRUPT;
}

/* RFC 8878 §3: frames, skippable ones among them, follow one another. */
static bool restart(void *stream, unsigned char first)
{
    (void)stream;
    return first == 0x28 || first >> 4 == 5;
}

const struct aggr_coding aggr_coding_zstd = {"zstd", open_stream, step, restart, close_stream};
