/* Chunked bodies, well-formed and hostile, one row each, in every split. */
#include "io/chunked.h"
#include "check.h"

struct row {
    const char *bytes;
    size_t len;
    const char *data; /* NULL: refused */
    const char *text; /* part of the failure's text */
};

#define GOOD(bytes, data)                                                                          \
    {                                                                                              \
        bytes, sizeof bytes - 1, data, NULL                                                        \
    }
#define BAD(bytes, text)                                                                           \
    {                                                                                              \
        bytes, sizeof bytes - 1, NULL, text                                                        \
    }
#define TRAILER_GOOD(lines) GOOD("1\r\na\r\n0\r\n" lines "\r\n", "a")
#define TRAILER_BAD(lines, text) BAD("1\r\na\r\n0\r\n" lines "\r\n", text)

static const struct row rows[] = {
    GOOD("0\r\n\r\n", ""),
    GOOD("000\r\n\r\n", ""),
    GOOD("5\r\nhello\r\n0\r\n\r\n", "hello"),
    GOOD("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
    GOOD("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"),
    GOOD("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello"),
    GOOD("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
    GOOD("5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"),
    GOOD("5 ;a=\"b c\"\r\nhello\r\n0\t;c\r\n\r\n", "hello"),
    GOOD("5 ; a = b\t;c=\"\\\"\\\\;\xe9\t\"\r\nhello\r\n0\r\n\r\n", "hello"),
    GOOD("5;\r\nhello\r\n0\r\n\r\n", "hello"),
    TRAILER_GOOD("A: b\r\n"),
    TRAILER_GOOD("A: b\r\nC:\r\nExpires: never\r\n"),
    BAD("\r\n", "a chunk without a size"),
    BAD(";a\r\n", "a chunk without a size"),
    BAD(" 5\r\nhello\r\n0\r\n\r\n", "a chunk without a size"),
    BAD("-5\r\nhello\r\n0\r\n\r\n", "a chunk without a size"),
    BAD("+5\r\nhello\r\n0\r\n\r\n", "a chunk without a size"),
    BAD("x5\r\nhello\r\n0\r\n\r\n", "a chunk without a size"),
    BAD("0x5\r\nhello\r\n0\r\n\r\n", "not a hexadecimal number"),
    BAD("5g\r\nhello\r\n0\r\n\r\n", "not a hexadecimal number"),
    BAD("5,\r\nhello\r\n0\r\n\r\n", "not a hexadecimal number"),
    BAD("5_0\r\nhello\r\n0\r\n\r\n", "not a hexadecimal number"),
    BAD("5\0\r\nhello\r\n0\r\n\r\n", "not a hexadecimal number"),
    BAD("5\nhello\r\n0\r\n\r\n", "bare line feed"),
    BAD("5 \r\nhello\r\n0\r\n\r\n", "a blank after the chunk size"),
    BAD("5 5\r\nhello\r\n0\r\n\r\n", "a blank after the chunk size"),
    BAD("5\rhello\r\n0\r\n\r\n", "without a line feed after the chunk size"),
    BAD("5\r\rhello\r\n0\r\n\r\n", "without a line feed after the chunk size"),
    BAD("5;a\nhello\r\n0\r\n\r\n", "control character in a chunk extension"),
    BAD("5;a\0\r\nhello\r\n0\r\n\r\n", "control character in a chunk extension"),
    BAD("5;a\x7f\r\nhello\r\n0\r\n\r\n", "control character in a chunk extension"),
    BAD("5;a,b\r\nhello\r\n0\r\n\r\n", "cannot be in a chunk extension"),
    BAD("5;a:b\r\nhello\r\n0\r\n\r\n", "cannot be in a chunk extension"),
    BAD("5;\xe9\r\nhello\r\n0\r\n\r\n", "cannot be in a chunk extension"),
    BAD("5;a=\"b\r\nhello\r\n0\r\n\r\n", "control character in a chunk extension"),
    BAD("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", "control character in a chunk extension"),
    BAD("5;a=\"\\\r\n\"\r\nhello\r\n0\r\n\r\n", "control character in a chunk extension"),
    BAD("5;a\rb\r\nhello\r\n0\r\n\r\n", "without a line feed after the chunk size"),
    BAD("8000000000000000\r\n", "too large to be true"),
    BAD("ffffffffffffffff\r\n", "too large to be true"),
    BAD("10000000000000005\r\n", "too large to be true"),
    BAD("00000000000000005\r\n", "too large to be true"),
    BAD("fffffffffffffffffffffffffffffffff\r\n", "too large to be true"),
    BAD("5\r\nhello0\r\n\r\n", "a chunk longer than its size"),
    BAD("5\r\nhelloworld\r\n0\r\n\r\n", "a chunk longer than its size"),
    BAD("5\r\nhello\n0\r\n\r\n", "a chunk longer than its size"),
    BAD("5\r\nhello\rx0\r\n\r\n", "a chunk longer than its size"),
    BAD("5\r\nhello\r\r\n0\r\n\r\n", "a chunk longer than its size"),
    BAD("5\r\nhello\r\n\r\n0\r\n\r\n", "a chunk without a size"),
    BAD("0\r\n\r\nx", "bytes after its end"),
    BAD("0\r\n\r\n\r\n", "bytes after its end"),
    BAD("0\r\n\r\n0\r\n\r\n", "bytes after its end"),
    BAD("0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "bytes after its end"),
    BAD("0\r\n\n", "bare line feed"),
    TRAILER_BAD("A: b\n", "bare line feed"),
    TRAILER_BAD("A\r\n", "no colon"),
    TRAILER_BAD("A : b\r\n", "blank before the colon"),
    TRAILER_BAD(" A: b\r\n", "folded line"),
    TRAILER_BAD("A: b\r\n c\r\n", "folded line"),
    TRAILER_BAD(": b\r\n", "empty name"),
    TRAILER_BAD("A: b\0\r\n", "control character in the value"),
    TRAILER_BAD("A: b\rc\r\n", "control character in the value"),
    TRAILER_BAD("Content-Length: 5\r\n", "only a head may have"),
    TRAILER_BAD("transfer-encoding: chunked\r\n", "only a head may have"),
    TRAILER_BAD("Trailer: x\r\n", "only a head may have"),
};

/* What came out, and how it ended. */
struct outcome {
    char data[64];
    bool ok, done;
    struct aggr_failure why;
};

static void feed(struct aggr_chunked *chunked, const char *bytes, size_t len, struct outcome *out)
{
    const char *data;
    size_t data_len;
    while (out->ok && len > 0) {
        out->ok = aggr_chunked_next(chunked, &bytes, &len, &data, &data_len, &out->why);
        size_t room = sizeof out->data - 1 - strlen(out->data);
        if (out->ok && data_len > 0)
            strncat(out->data, data, data_len < room ? data_len : room);
    }
}

static struct outcome run(const char *bytes, size_t len, size_t step)
{
    struct outcome out = {.ok = true};
    struct aggr_chunked chunked = {0};
    for (size_t at = 0; at < len; at += step)
        feed(&chunked, bytes + at, len - at < step ? len - at : step, &out);
    out.done = out.ok && aggr_chunked_done(&chunked);
    aggr_chunked_deinit(&chunked);
    return out;
}

static void check_row(const struct row *row)
{
    for (size_t step = 1; step <= row->len; step++) {
        struct outcome out = run(row->bytes, row->len, step);
        bool as_expected = row->data ? out.done && strcmp(out.data, row->data) == 0
                                     : !out.ok && out.why.code == AGGR_ERR_PROTOCOL &&
                                           out.why.phase == AGGR_PHASE_BODY &&
                                           strstr(out.why.text, row->text);
        CHECK(as_expected);
        if (!as_expected)
            fprintf(stderr, "  \"%s\" by %zu: %s\n", row->bytes, step, out.why.text);
    }
    if (!row->data)
        return;
    for (size_t cut = 0; cut < row->len; cut++) {
        struct outcome out = run(row->bytes, cut, cut ? cut : 1);
        CHECK(out.ok && !out.done);
    }
}

/* `times` copies of `piece` between `before` and `after`. */
static struct outcome run_flood(const char *before, const char *piece, unsigned times,
                                const char *after)
{
    struct aggr_buf all = {0};
    aggr_buf_append(&all, before, strlen(before));
    for (unsigned i = 0; i < times; i++)
        aggr_buf_append(&all, piece, strlen(piece));
    aggr_buf_append(&all, after, strlen(after));
    struct outcome out = run(all.data, all.len, 1000);
    aggr_buf_deinit(&all);
    return out;
}

static void floods_are_refused(void)
{
    CHECK(run_flood("0;", "x", 16000, "\r\n\r\n").done);
    CHECK(strstr(run_flood("0;", "x", 17000, "\r\n\r\n").why.text, "16 KiB of chunk extensions"));
    CHECK(strstr(run_flood("", "1;xxxxxxxx\r\na\r\n", 2000, "").why.text, "chunk extensions"));
    CHECK(run_flood("0\r\n", "a: b\r\n", 100, "\r\n").done);
    CHECK(strstr(run_flood("0\r\n", "a: b\r\n", 101, "\r\n").why.text, "100 trailer fields"));
    CHECK(run_flood("0\r\na: ", "x", 65000, "\r\n\r\n").done);
    CHECK(strstr(run_flood("0\r\na: ", "x", 66000, "\r\n\r\n").why.text, "64 KiB of trailer"));
}

int main(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
    floods_are_refused();
    return check_report();
}
