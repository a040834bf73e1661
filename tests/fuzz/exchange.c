/* A libFuzzer target: what a server sends on one connection, from the first interim head on, read
 * as the native transport reads it, in splits that the input itself chooses.
 *
 * The first byte: bit 0 the request was HEAD, bit 1 the connection is reset at the end, the rest
 * the size of a piece (0: all at once). In pieces and at once the verdict is the same, but for what
 * follows the end: it may come too late to be seen. */
#include "io/http1_reader.h"
#include "io/response.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BODY_BYTES = 64 * 1024 };

struct reading {
    struct aggr_sink sink;
    struct aggr_response response;
    unsigned heads;
};

static bool on_head(struct aggr_sink *sink, const char *bytes, size_t len)
{
    struct reading *reading = AGGR_LIST_ENTRY(sink, struct reading, sink);
    AGGR_CHECK(reading->heads++ == 0);
    return aggr_response_head(&reading->response, bytes, len);
}

static bool on_data(struct aggr_sink *sink, const char *bytes, size_t len)
{
    struct reading *reading = AGGR_LIST_ENTRY(sink, struct reading, sink);
    AGGR_CHECK(reading->heads == 1);
    return aggr_response_data(&reading->response, bytes, len);
}

static const struct aggr_sink_ops sink_ops = {.on_head = on_head, .on_data = on_data};

/* Whether the answer is whole and good; `keep`: whether the connection stays. */
static bool read_all(const char *bytes, size_t len, size_t step, unsigned flags, bool *keep)
{
    struct reading reading = {.sink.ops = &sink_ops};
    struct aggr_http1_reader reader;
    enum aggr_http1_verdict verdict = AGGR_HTTP1_MORE;
    aggr_response_init(&reading.response, flags & 1, MAX_BODY_BYTES);
    aggr_http1_reader_init(&reader, &reading.sink, flags & 1);
    for (size_t at = 0; at < len && verdict == AGGR_HTTP1_MORE; at += step)
        verdict = aggr_http1_reader_feed(&reader, bytes + at, len - at < step ? len - at : step);
    *keep = verdict == AGGR_HTTP1_DONE && reader.keep;
    if (verdict == AGGR_HTTP1_MORE)
        verdict = aggr_http1_reader_end(&reader, flags & 2 ? AGGR_HTTP1_RESET : AGGR_HTTP1_ENDED);
    AGGR_CHECK(verdict != AGGR_HTTP1_MORE);
    AGGR_CHECK(!strpbrk(reader.failure.text, "\r\n"));
    bool good = verdict == AGGR_HTTP1_DONE && aggr_response_finish(&reading.response);
    /* A connection is only kept by an answer that both agree on. */
    AGGR_CHECK(!*keep || good || reading.response.failure.code != AGGR_ERR_TRUNCATED ||
               reading.response.decoder);
    aggr_http1_reader_deinit(&reader);
    aggr_response_deinit(&reading.response);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool keep_whole, keep_pieces;
    if (size < 2)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t step = data[0] >> 2 ? data[0] >> 2 : 1;
    bool whole = read_all(bytes, size - 1, size, data[0], &keep_whole);
    bool pieces = read_all(bytes, size - 1, step, data[0], &keep_pieces);
    AGGR_CHECK(!whole || pieces);
    AGGR_CHECK(!keep_whole || keep_pieces);
    return 0;
}
