/* A libFuzzer target: whole exchanges, head and body, in splits that the input itself chooses.
 *
 * The first byte: bit 0 the request was HEAD, bit 1 a tiny cap, the rest the size of a piece (0:
 * all at once). What follows is the head through its empty line, then the body. Built with
 * -DAGGR_FUZZ=ON and clang; run as `fuzz_response tests/fuzz/corpus`. */
#include "io/response.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BODY_BYTES = 64 * 1024 };

static void check(const struct aggr_response *response, bool ok)
{
    AGGR_CHECK(ok == (response->failure.code == AGGR_OK));
    AGGR_CHECK(response->body.len <= response->max_body_bytes);
    AGGR_CHECK(!strpbrk(response->failure.text, "\r\n"));
}

/* All that was kept can be found again, and holds no line end. */
static void check_head(const struct aggr_response *response)
{
    size_t cursor = 0, len;
    while (aggr_response_field(response, "content-length", &cursor, &len))
        AGGR_CHECK(len > 0);
    AGGR_CHECK(cursor == response->head.len);
    for (size_t i = 0; i < response->head.len; i++)
        AGGR_CHECK(response->head.data[i] != '\r' && response->head.data[i] != 0);
}

static void feed(struct aggr_response *response, const char *bytes, size_t len, size_t step)
{
    bool ok = true;
    for (size_t at = 0; ok && at < len; at += step) {
        ok = aggr_response_data(response, bytes + at, len - at < step ? len - at : step);
        check(response, ok);
    }
    check(response, aggr_response_finish(response));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct aggr_response response;
    const char *bytes = (const char *)data + 1, *end = memmem(bytes, size - 1, "\r\n\r\n", 4);
    size_t head_len = end ? (size_t)(end - bytes) + 4 : size - 1;
    size_t step = data[0] >> 2 ? data[0] >> 2 : size;
    aggr_response_init(&response, data[0] & 1, data[0] & 2 ? 10 : MAX_BODY_BYTES);
    bool ok = aggr_response_head(&response, bytes, head_len);
    check(&response, ok);
    if (ok) {
        check_head(&response);
        feed(&response, bytes + head_len, size - 1 - head_len, step);
    }
    aggr_response_deinit(&response);
    return 0;
}
