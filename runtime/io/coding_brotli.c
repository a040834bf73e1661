#include "io/coding.h"
#include <brotli/decode.h>

static void *open_stream(void)
{
    return BrotliDecoderCreateInstance(NULL, NULL, NULL);
}

static void close_stream(void *stream)
{
    BrotliDecoderDestroyInstance(stream);
}

static bool is_memory_error(BrotliDecoderErrorCode code)
{
    return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
           code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

static enum aggr_coding_result step(void *stream, struct aggr_coding_io *io)
{
    const uint8_t *in = (const uint8_t *)io->in;
    uint8_t *out = (uint8_t *)io->out;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(stream, &io->in_len, &in, &io->out_len, &out, NULL);
    io->in = (const char *)in;
    io->out = (char *)out;
    if (result == BROTLI_DECODER_RESULT_SUCCESS)
        return AGGR_CODING_END;
    if (result != BROTLI_DECODER_RESULT_ERROR)
        return AGGR_CODING_MORE;
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(stream);
    io->why = BrotliDecoderErrorString(code);
    return is_memory_error(code) ? AGGR_CODING_MEMORY : AGGR_CODING_CORRUPT;
}

const struct aggr_coding aggr_coding_brotli = {"br", open_stream, step, NULL, close_stream};
