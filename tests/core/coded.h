/* coded.h -- content codings put on, for tests of what takes them off. The caller deinits what it
 * gets. */
#pragma once
#include "base/buf.h"
#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

/* 31: gzip, 15: zlib, -15: bare deflate. */
static inline struct aggr_buf coded_zlib(const char *bytes, size_t len, int window)
{
    struct aggr_buf out = {0};
    z_stream z = {0};
    AGGR_CHECK(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    AGGR_CHECK(aggr_buf_reserve(&out, deflateBound(&z, len) + 32) == AGGR_OK);
    z.next_in = (Bytef *)bytes;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)out.data;
    z.avail_out = (uInt)out.cap;
    AGGR_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.len = out.cap - z.avail_out;
    deflateEnd(&z);
    return out;
}

static inline struct aggr_buf coded_gzip(const char *bytes, size_t len)
{
    return coded_zlib(bytes, len, 31);
}

static inline struct aggr_buf coded_deflate(const char *bytes, size_t len)
{
    return coded_zlib(bytes, len, 15);
}

static inline struct aggr_buf coded_bare_deflate(const char *bytes, size_t len)
{
    return coded_zlib(bytes, len, -15);
}

static inline struct aggr_buf coded_brotli(const char *bytes, size_t len)
{
    struct aggr_buf out = {0};
    AGGR_CHECK(aggr_buf_reserve(&out, BrotliEncoderMaxCompressedSize(len) + 32) == AGGR_OK);
    out.len = out.cap;
    AGGR_CHECK(BrotliEncoderCompress(5, 20, BROTLI_MODE_GENERIC, len, (const uint8_t *)bytes,
                                     &out.len, (uint8_t *)out.data));
    return out;
}

static inline struct aggr_buf coded_zstd(const char *bytes, size_t len)
{
    struct aggr_buf out = {0};
    AGGR_CHECK(aggr_buf_reserve(&out, ZSTD_compressBound(len)) == AGGR_OK);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    out.len = ZSTD_compress2(context, out.data, out.cap, bytes, len);
    ZSTD_freeCCtx(context);
    AGGR_CHECK(!ZSTD_isError(out.len));
    return out;
}
