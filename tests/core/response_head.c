/* Response heads, well-formed and hostile, one row each. */
#include "check.h"
#include "io/response.h"
#include <stdlib.h>

struct row {
    const char *bytes;
    size_t len;
    enum aggr_err code;   /* AGGR_OK: accepted */
    const char *expected; /* accepted: the kept fields, else a part of the failure's text */
};

#define GOOD(head, kept)                                                                           \
    {                                                                                              \
        head, sizeof head - 1, AGGR_OK, kept                                                       \
    }
#define BAD(head, text)                                                                            \
    {                                                                                              \
        head, sizeof head - 1, AGGR_ERR_PROTOCOL, text                                             \
    }
#define FIELD_GOOD(line, kept) GOOD("HTTP/1.1 200 OK\r\n" line "\r\n\r\n", kept)
#define FIELD_BAD(line, text) BAD("HTTP/1.1 200 OK\r\n" line "\r\n\r\n", text)
#define H2_GOOD(line, kept) GOOD("HTTP/2 200 \r\n" line "\r\n\r\n", kept)
#define H2_BAD(line, text) BAD("HTTP/2 200 \r\n" line "\r\n\r\n", text)

static const struct row status_lines[] = {
    GOOD("HTTP/1.1 200 OK\r\n\r\n", ""),
    GOOD("HTTP/1.0 200 OK\r\n\r\n", ""),
    GOOD("HTTP/1.1 200 \r\n\r\n", ""),
    GOOD("HTTP/1.1 200\r\n\r\n", ""),
    GOOD("HTTP/1.1 404 Not Found\r\n\r\n", ""),
    GOOD("HTTP/1.1 599 x\r\n\r\n", ""),
    GOOD("HTTP/1.1 999 Request denied\r\n\r\n", ""),
    GOOD("HTTP/1.1 200 OK\tthen\r\n\r\n", ""),
    GOOD("HTTP/1.1 200 \xe9t\xe9\r\n\r\n", ""),
    GOOD("HTTP/1.1 200  two blanks\r\n\r\n", ""),
    GOOD("HTTP/2 200\r\n\r\n", ""),
    GOOD("HTTP/2 200 \r\n\r\n", ""),
    BAD("", "does not end in CR LF"),
    BAD("\r\n", "malformed status line"),
    BAD("\r\n\r\n", "malformed status line"),
    BAD("\r\nHTTP/1.1 200 OK\r\n\r\n", "malformed status line"),
    BAD(" HTTP/1.1 200 OK\r\n\r\n", "malformed status line"),
    BAD("\tHTTP/1.1 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 \r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 2\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 20\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 20 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 2000 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 200OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 200\tOK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1\t200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1  200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 \t200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 +20 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 -20 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 2.0 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 0x2 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 abc OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 000 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 099 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 \xd9\xa2\x30\x30 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 100 Continue\r\n\r\n", "status 100 where a final"),
    BAD("HTTP/1.1 101 Switching Protocols\r\n\r\n", "status 101 where a final"),
    BAD("HTTP/1.1 103 Early Hints\r\n\r\n", "status 103 where a final"),
    BAD("HTTP/1.2 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.9 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/0.9 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/2.0 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/3 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/11 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1. 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.10 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/01.1 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/ 1.1 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/\r1.1 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1,1 200 OK\r\n\r\n", "malformed status line"),
    BAD("http/1.1 200 OK\r\n\r\n", "malformed status line"),
    BAD("Http/1.1 200 OK\r\n\r\n", "malformed status line"),
    BAD("HTTPS/1.1 200 OK\r\n\r\n", "malformed status line"),
    BAD("ICY 200 OK\r\n\r\n", "malformed status line"),
    BAD("SIP/2.0 200 OK\r\n\r\n", "malformed status line"),
    BAD("200 OK\r\n\r\n", "malformed status line"),
    BAD("<html>hello</html>\r\n\r\n", "malformed status line: \"<html>hello</html>\""),
    BAD("\x16\x03\x01\x02\r\n\r\n", "malformed status line: \"????\""),
    BAD("HTTP/1.1 200 O\rK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 200 O\0K\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 200 O\x7fK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 200 O\x1bK\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 200 OK\r\r\n\r\n", "malformed status line"),
    BAD("HTTP/1.1 200 OK\n\r\n", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK\n\n", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK\r\n", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK\r\n\n", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK\r\n\r", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK\r\n\r\nx", "bytes after the end of the response head"),
    BAD("HTTP/1.1 200 OK\r\n\r\n\r\n", "bytes after the end of the response head"),
    BAD("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "bytes after the end"),
};

static const struct row fields[] = {
    FIELD_GOOD("A: b", "a: b\n"),
    FIELD_GOOD("A:b", "a: b\n"),
    FIELD_GOOD("A:", "a: \n"),
    FIELD_GOOD("A: \t ", "a: \n"),
    FIELD_GOOD("A: \t b \t", "a: b\n"),
    FIELD_GOOD("A: b c\td", "a: b c\td\n"),
    FIELD_GOOD("A: b:c", "a: b:c\n"),
    FIELD_GOOD("A::b", "a: :b\n"),
    FIELD_GOOD("A: \xff\x80", "a: \xff\x80\n"),
    FIELD_GOOD("X-MiXeD_9: V", "x-mixed_9: V\n"),
    FIELD_GOOD("!#$%&'*+-.^_`|~: v", "!#$%&'*+-.^_`|~: v\n"),
    FIELD_GOOD("Set-Cookie: a=1\r\nSet-Cookie: b=2", "set-cookie: a=1\nset-cookie: b=2\n"),
    FIELD_GOOD("Connection: keep-alive\r\nKeep-Alive: timeout=5",
               "connection: keep-alive\nkeep-alive: timeout=5\n"),
    FIELD_GOOD("Upgrade: h2c", "upgrade: h2c\n"),
    FIELD_BAD("A", "no colon"),
    FIELD_BAD("A b", "blank before the colon"),
    FIELD_BAD("A : b", "blank before the colon"),
    FIELD_BAD("A\t: b", "blank before the colon"),
    FIELD_BAD(" A: b", "folded line"),
    FIELD_BAD("\tA: b", "folded line"),
    FIELD_BAD("A: b\r\n c", "folded line"),
    FIELD_BAD("A: b\r\n\tc", "folded line"),
    FIELD_BAD("A: b\r\n \r\nC: d", "folded line"),
    FIELD_BAD("Content-Length: 3\r\n 4", "folded line"),
    FIELD_BAD(": b", "empty name"),
    FIELD_BAD(":", "empty name"),
    FIELD_BAD(":status: 200", "empty name"),
    FIELD_BAD("A(b): c", "cannot be in a name"),
    FIELD_BAD("\"A\": c", "cannot be in a name"),
    FIELD_BAD("A@: c", "cannot be in a name"),
    FIELD_BAD("A/: c", "cannot be in a name"),
    FIELD_BAD("A{: c", "cannot be in a name"),
    FIELD_BAD("\xc3\xa9: c", "cannot be in a name"),
    FIELD_BAD("A\0: c", "cannot be in a name"),
    FIELD_BAD("A\r: c", "cannot be in a name"),
    FIELD_BAD("\x7f: c", "cannot be in a name"),
    FIELD_BAD("A=b", "cannot be in a name"),
    FIELD_BAD("A: b\rc", "control character in the value"),
    FIELD_BAD("A: b\r\rc", "control character in the value"),
    FIELD_BAD("A: b\r", "control character in the value"),
    FIELD_BAD("A: b\0c", "control character in the value"),
    FIELD_BAD("A: \0", "control character in the value"),
    FIELD_BAD("A: b\x01", "control character in the value"),
    FIELD_BAD("A: b\x08", "control character in the value"),
    FIELD_BAD("A: b\x0b", "control character in the value"),
    FIELD_BAD("A: b\x0c", "control character in the value"),
    FIELD_BAD("A: \x1b[31m", "control character in the value"),
    FIELD_BAD("A: b\x7f", "control character in the value"),
    FIELD_BAD("A: b\nC: d", "does not end in CR LF"),
    FIELD_BAD("A: b\n", "does not end in CR LF"),
    FIELD_BAD("\n", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK\r\nA: b\r\n", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK\r\nA: b", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK\r\nA: b\n\r\n", "does not end in CR LF"),
    BAD("HTTP/1.1 200 OK\r\nA: b\r\n\n", "does not end in CR LF"),
    FIELD_GOOD("Content-Length: 0", "content-length: 0\n"),
    FIELD_GOOD("content-length:5", "content-length: 5\n"),
    FIELD_GOOD("CONTENT-LENGTH: \t5 ", "content-length: 5\n"),
    FIELD_GOOD("Content-Length: 0005", "content-length: 0005\n"),
    FIELD_GOOD("Content-Lengths: x", "content-lengths: x\n"),
    FIELD_BAD("Content-Length:", "malformed Content-Length: \"\""),
    FIELD_BAD("Content-Length: -1", "malformed Content-Length: \"-1\""),
    FIELD_BAD("Content-Length: +5", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 5 5", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 5,5", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 5, 6", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 5;", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 0x5", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 5.0", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 1e3", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 5abc", "malformed Content-Length"),
    FIELD_BAD("Content-Length: \xd9\xa5", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 1_000", "malformed Content-Length"),
    FIELD_BAD("Content-Length: \"5\"", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 9223372036854775808", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 18446744073709551615", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 18446744073709551621", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 99999999999999999999999999", "malformed Content-Length"),
    FIELD_BAD("Content-Length: 5\r\nContent-Length: 5", "more than one Content-Length"),
    FIELD_BAD("Content-Length: 5\r\nContent-Length: 6", "more than one Content-Length"),
    FIELD_BAD("Content-Length: 5\r\nA: b\r\ncontent-length: 6", "more than one Content-Length"),
    FIELD_BAD("Content-Length: 5\r\nContent-Length:", "more than one Content-Length"),
    FIELD_BAD("Content-Length : 5", "blank before the colon"),
    FIELD_GOOD("Transfer-Encoding: chunked", "transfer-encoding: chunked\n"),
    FIELD_GOOD("transfer-encoding:\tChunKed ", "transfer-encoding: ChunKed\n"),
    FIELD_GOOD("Transfer-Encodings: x", "transfer-encodings: x\n"),
    FIELD_BAD("Transfer-Encoding:", "Transfer-Encoding is \"\", not chunked"),
    FIELD_BAD("Transfer-Encoding: identity", "\"identity\", not chunked"),
    FIELD_BAD("Transfer-Encoding: gzip", "\"gzip\", not chunked"),
    FIELD_BAD("Transfer-Encoding: gzip, chunked", "not chunked"),
    FIELD_BAD("Transfer-Encoding: chunked, gzip", "not chunked"),
    FIELD_BAD("Transfer-Encoding: chunked, chunked", "not chunked"),
    FIELD_BAD("Transfer-Encoding: chunked,", "not chunked"),
    FIELD_BAD("Transfer-Encoding: ,chunked", "not chunked"),
    FIELD_BAD("Transfer-Encoding: chunked;q=1", "not chunked"),
    FIELD_BAD("Transfer-Encoding: \"chunked\"", "not chunked"),
    FIELD_BAD("Transfer-Encoding: xchunked", "not chunked"),
    FIELD_BAD("Transfer-Encoding: chunkedx", "not chunked"),
    FIELD_BAD("Transfer-Encoding: chunk", "not chunked"),
    FIELD_BAD("Transfer-Encoding: \x0b"
              "chunked",
              "control character"),
    FIELD_BAD("Transfer-Encoding : chunked", "blank before the colon"),
    FIELD_BAD("Transfer-Encoding\r\n: chunked", "no colon"),
    FIELD_BAD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
              "more than one Transfer-Encoding"),
    FIELD_BAD("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
              "more than one Transfer-Encoding"),
    FIELD_BAD("Content-Length: 5\r\nTransfer-Encoding: chunked", "both Content-Length and"),
    FIELD_BAD("Transfer-Encoding: chunked\r\nContent-Length: 0", "both Content-Length and"),
    BAD("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding in HTTP/1.0"),
    BAD("HTTP/1.1 204 No\r\nTransfer-Encoding: gzip\r\n\r\n", "not chunked"),
    BAD("HTTP/1.1 304 No\r\nContent-Length: x\r\n\r\n", "malformed Content-Length"),
    GOOD("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "content-length: 5\n"),
    GOOD("HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer-encoding: chunked\n"),
    GOOD("HTTP/1.1 304 No\r\nContent-Encoding: nonsense\r\n\r\n", "content-encoding: nonsense\n"),
    GOOD("HTTP/1.1 204 No\r\nContent-Encoding: nonsense\r\n\r\n", "content-encoding: nonsense\n"),
    FIELD_GOOD("Content-Encoding: gzip", "content-encoding: gzip\n"),
    FIELD_GOOD("Content-Encoding: X-GZIP", "content-encoding: X-GZIP\n"),
    FIELD_GOOD("Content-Encoding: deflate", "content-encoding: deflate\n"),
    FIELD_GOOD("Content-Encoding: Br", "content-encoding: Br\n"),
    FIELD_GOOD("Content-Encoding: zstd", "content-encoding: zstd\n"),
    FIELD_GOOD("Content-Encoding:", "content-encoding: \n"),
    FIELD_GOOD("Content-Encoding: identity", "content-encoding: identity\n"),
    FIELD_GOOD("Content-Encoding: identity, gzip , ,br",
               "content-encoding: identity, gzip , ,br\n"),
    FIELD_GOOD("Content-Encoding: br\r\nContent-Encoding: gzip",
               "content-encoding: br\ncontent-encoding: gzip\n"),
    FIELD_BAD("Content-Encoding: compress", "unknown content coding \"compress\""),
    FIELD_BAD("Content-Encoding: aws-chunked", "unknown content coding \"aws-chunked\""),
    FIELD_BAD("Content-Encoding: gzip, lzma", "unknown content coding \"lzma\""),
    FIELD_BAD("Content-Encoding: gzi", "unknown content coding \"gzi\""),
    FIELD_BAD("Content-Encoding: gzip;q=1", "unknown content coding \"gzip;q=1\""),
    FIELD_BAD("Content-Encoding: \"gzip\"", "unknown content coding"),
    FIELD_BAD("Content-Encoding: gzip br", "unknown content coding"),
    FIELD_BAD("Content-Encoding: \xff\xfe", "unknown content coding \"??\""),
    FIELD_BAD("Content-Encoding: gzip,gzip,gzip", "more than 2 content codings"),
    FIELD_BAD("Content-Encoding: gzip, br\r\nContent-Encoding: zstd", "more than 2 content"),
    H2_GOOD("content-type: a/b", "content-type: a/b\n"),
    H2_GOOD("content-length: 5", "content-length: 5\n"),
    H2_BAD("content-length: 5\r\ncontent-length: 5", "more than one Content-Length"),
    H2_BAD("Content-Type: a/b", "malformed HTTP/2 field name: \"Content-Type\""),
    H2_BAD("connection: close", "a field of HTTP/1: \"connection\""),
    H2_BAD("keep-alive: 5", "a field of HTTP/1"),
    H2_BAD("proxy-connection: close", "a field of HTTP/1"),
    H2_BAD("upgrade: h2c", "a field of HTTP/1"),
    H2_BAD("transfer-encoding: chunked", "Transfer-Encoding in HTTP/2"),
    H2_BAD(":status: 200", "empty name"),
    H2_BAD(":path: /", "empty name"),
    H2_BAD("a: b\r\n c", "folded line"),
};

static void check_row(const struct row *row)
{
    struct aggr_response response;
    /* exactly as long as it is, so that the sanitizer sees a read past it */
    char *bytes = malloc(row->len ? row->len : 1);
    memcpy(bytes, row->bytes, row->len);
    aggr_response_init(&response, false, 1000);
    bool accepted = aggr_response_head(&response, bytes, row->len);
    free(bytes);
    bool as_expected = accepted
                           ? row->code == AGGR_OK && response.head.len == strlen(row->expected) &&
                                 memcmp(response.head.data, row->expected, response.head.len) == 0
                           : response.failure.code == row->code &&
                                 response.failure.phase == AGGR_PHASE_WAIT &&
                                 strstr(response.failure.text, row->expected) &&
                                 !strpbrk(response.failure.text, "\r\n");
    CHECK(as_expected);
    if (!as_expected)
        fprintf(stderr, "  \"%s\": %s\n", row->bytes,
                accepted ? "accepted" : response.failure.text);
    aggr_response_deinit(&response);
}

static void a_head_is_refused_at_every_byte_it_is_cut_at(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\n";
    for (size_t cut = 0; cut < sizeof head - 1; cut++) {
        struct row row = {head, cut, AGGR_ERR_PROTOCOL, "malformed"};
        check_row(&row);
    }
}

/* A head of `count` fields "a: b", padded with `padding` bytes of one more value. */
static bool accepts_flood(unsigned count, size_t padding, struct aggr_failure *why)
{
    struct aggr_response response;
    struct aggr_buf head = {0};
    aggr_buf_append(&head, "HTTP/1.1 200 OK\r\n", 17);
    for (unsigned i = 0; i < count; i++)
        aggr_buf_append(&head, "a: b\r\n", 6);
    if (padding > 0) {
        char *filler = malloc(padding);
        memset(filler, 'x', padding);
        aggr_buf_append(&head, "a: ", 3);
        aggr_buf_append(&head, filler, padding);
        aggr_buf_append(&head, "\r\n", 2);
        free(filler);
    }
    aggr_buf_append(&head, "\r\n", 2);
    aggr_response_init(&response, false, 1000);
    bool accepted = aggr_response_head(&response, head.data, head.len);
    *why = response.failure;
    aggr_response_deinit(&response);
    aggr_buf_deinit(&head);
    return accepted;
}

static void floods_are_refused(void)
{
    struct aggr_failure why;
    CHECK(accepts_flood(1000, 0, &why));
    CHECK(!accepts_flood(1001, 0, &why));
    CHECK(why.code == AGGR_ERR_PROTOCOL);
    CHECK_STR(why.text, "more than 1000 header fields");
    const size_t around = 17 + 3 + 2 + 2;
    CHECK(accepts_flood(0, 256 * 1024 - around, &why));
    CHECK(!accepts_flood(0, 256 * 1024 - around + 1, &why));
    CHECK(why.code == AGGR_ERR_PROTOCOL);
    CHECK_STR(why.text, "the response head is larger than 256 KiB");
}

static void fields_are_found_in_order(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookies: no\r\n"
                               "X: set-cookie: no\r\nSET-COOKIE: bc\r\nSet-Cookie:\r\n\r\n";
    struct aggr_response response;
    size_t cursor = 0, len;
    aggr_response_init(&response, false, 1000);
    CHECK(aggr_response_head(&response, head, sizeof head - 1));
    const char *value = aggr_response_field(&response, "set-cookie", &cursor, &len);
    CHECK(value && len == 1 && value[0] == 'a');
    value = aggr_response_field(&response, "set-cookie", &cursor, &len);
    CHECK(value && len == 2 && memcmp(value, "bc", 2) == 0);
    value = aggr_response_field(&response, "set-cookie", &cursor, &len);
    CHECK(value && len == 0);
    CHECK(!aggr_response_field(&response, "set-cookie", &cursor, &len));
    cursor = 0;
    CHECK(!aggr_response_field(&response, "set", &cursor, &len));
    CHECK(response.status == 200 && response.http == AGGR_HTTP_1_1);
    aggr_response_deinit(&response);
    aggr_response_deinit(&response); /* harmless */
}

static void a_length_over_the_cap_is_refused_at_the_head(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n";
    struct aggr_response response;
    aggr_response_init(&response, false, 1000);
    CHECK(!aggr_response_head(&response, head, sizeof head - 1));
    CHECK(response.failure.code == AGGR_ERR_TOO_LARGE);
    CHECK_STR(response.failure.text, "the body of 1001 bytes is larger than 1000 bytes");
    CHECK(response.body.cap == 0);
    aggr_response_deinit(&response);

    aggr_response_init(&response, true, 1000);
    CHECK(aggr_response_head(&response, head, sizeof head - 1)); /* HEAD: nothing comes */
    CHECK(aggr_response_finish(&response));
    aggr_response_deinit(&response);
}

static void a_length_reserves_no_more_than_is_plausible(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n";
    struct aggr_response response;
    aggr_response_init(&response, false, UINT64_MAX);
    CHECK(aggr_response_head(&response, head, sizeof head - 1));
    CHECK(response.body.cap >= 1024 * 1024 && response.body.cap <= 2 * 1024 * 1024);
    aggr_response_deinit(&response);
}

int main(void)
{
    for (size_t i = 0; i < sizeof status_lines / sizeof *status_lines; i++)
        check_row(&status_lines[i]);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        check_row(&fields[i]);
    a_head_is_refused_at_every_byte_it_is_cut_at();
    floods_are_refused();
    fields_are_found_in_order();
    a_length_over_the_cap_is_refused_at_the_head();
    a_length_reserves_no_more_than_is_plausible();
    return check_report();
}
