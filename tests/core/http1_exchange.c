/* Answers as the native transport reads them, in one piece, cut at every byte, byte by byte and in
 * random splits: the end, the verdict, and whether the connection can be used again are always the
 * same. */
#include "io/http1_exchange.h"
#include "base/rng.h"
#include "check.h"
#include "io/http1_request.h"
#include "io/response.h"
#include <stdlib.h>

/* The sink is a response, as the fetch's is. */
struct reading {
    struct aggr_sink sink;
    struct aggr_response response;
    struct aggr_http1_reader reader;
    enum aggr_http1_verdict verdict;
    unsigned heads;
};

static bool on_head(struct aggr_sink *sink, const char *bytes, size_t len)
{
    struct reading *reading = AGGR_LIST_ENTRY(sink, struct reading, sink);
    reading->heads++;
    return aggr_response_head(&reading->response, bytes, len);
}

static bool on_data(struct aggr_sink *sink, const char *bytes, size_t len)
{
    return aggr_response_data(&AGGR_LIST_ENTRY(sink, struct reading, sink)->response, bytes, len);
}

static const struct aggr_sink_ops sink_ops = {.on_head = on_head, .on_data = on_data};

static void begin(struct reading *reading, bool head_request)
{
    *reading = (struct reading){.sink.ops = &sink_ops};
    aggr_response_init(&reading->response, head_request, 1 << 20);
    aggr_http1_reader_init(&reading->reader, &reading->sink, head_request);
}

/* Handed over in memory of its own, so that reading past its end shows. */
static void feed(struct reading *reading, const char *bytes, size_t len)
{
    if (reading->verdict != AGGR_HTTP1_MORE || len == 0)
        return;
    char *piece = malloc(len);
    memcpy(piece, bytes, len);
    reading->verdict = aggr_http1_reader_feed(&reading->reader, piece, len);
    free(piece);
}

/* The kind the fetch would tell of. */
static enum aggr_err settle(struct reading *reading)
{
    if (reading->verdict == AGGR_HTTP1_MORE) {
        reading->verdict = aggr_http1_reader_end(&reading->reader, AGGR_HTTP1_ENDED);
        reading->reader.keep = false;
    }
    CHECK(reading->verdict != AGGR_HTTP1_MORE);
    enum aggr_err code = reading->response.failure.code;
    if (!code && reading->reader.failure.code)
        code = reading->reader.failure.code;
    else if (!code && reading->verdict == AGGR_HTTP1_BROKEN)
        code = AGGR_ERR_CONNECT;
    else if (!code && !aggr_response_finish(&reading->response))
        code = reading->response.failure.code;
    CHECK(code != AGGR_ERR_CANCELLED);
    return code;
}

static void finish(struct reading *reading)
{
    aggr_http1_reader_deinit(&reading->reader);
    aggr_response_deinit(&reading->response);
}

struct answer {
    const char *text;
    enum aggr_err code;
    const char *body; /* when all is well */
    bool keep;
    bool head_request;
    bool close; /* a whole body ends with the connection: shorter ones are as good */
};

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static const struct answer answers[] = {
    {OK "Content-Length: 5\r\n\r\nhello", AGGR_OK, "hello", true, false, false},
    {OK "Content-Length: 0\r\n\r\n", AGGR_OK, "", true, false, false},
    {OK "Connection: close\r\nContent-Length: 2\r\n\r\nok", AGGR_OK, "ok", false, false, false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", AGGR_OK, "ok", false, false, false},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", AGGR_OK, "ok",
     true, false, false},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\nok", AGGR_OK,
     "ok", false, false, false},
    {OK "\r\nto the end", AGGR_OK, "to the end", false, false, true},
    {CHUNKED "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n", AGGR_OK, "hello world", true, false,
     false},
    {CHUNKED "2\r\nok\r\n0\r\nA: 1\r\nB: 2\r\n\r\n", AGGR_OK, "ok", true, false, false},
    {CHUNKED "2 ;a = b\t; c\r\nok\r\n0\t;d\r\n\r\n", AGGR_OK, "ok", true, false, false},
    {OK "A:\tb\tc\r\nContent-Length:\t2\t\r\n\r\no\t", AGGR_OK, "o\t", true, false, false},
    {OK "Transfer-Encoding:\tchunked\t\r\n\r\n2\r\nok\r\n0\r\n\r\n", AGGR_OK, "ok", true, false,
     false},
    {OK "Connection: close\t\r\nContent-Length: 2\r\n\r\nok", AGGR_OK, "ok", false, false, false},
    {OK "Content-Length: 5\r\n\r\n", AGGR_OK, "", true, true, false},
    {CHUNKED, AGGR_OK, "", true, true, false},
    {OK "\r\n", AGGR_OK, "", true, true, false},
    {"HTTP/1.1 204 No Content\r\n\r\n", AGGR_OK, "", true, false, false},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", AGGR_OK, "", true, false, false},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK
     "Content-Length: 2\r\n\r\nok",
     AGGR_OK, "ok", true, false, false},
    {"HTTP/1.0 100 Continue\r\n\r\n" OK "Content-Length: 2\r\n\r\nok", AGGR_OK, "ok", true, false,
     false},
    {"HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno", AGGR_OK, "no", true, false, false},
};

enum { ANSWERS = sizeof answers / sizeof *answers };

static void expect(const struct answer *answer, struct reading *reading)
{
    enum aggr_err code = settle(reading);
    if (code != answer->code)
        fprintf(stderr, "%s: %s, %s\n", answer->text, reading->response.failure.text,
                reading->reader.failure.text);
    CHECK(code == answer->code);
    CHECK(reading->heads <= 1);
    if (code == AGGR_OK) {
        CHECK(reading->reader.keep == answer->keep);
        CHECK(reading->response.body.len == strlen(answer->body));
        CHECK(memcmp(reading->response.body.data ? reading->response.body.data : "", answer->body,
                     reading->response.body.len) == 0);
    }
    finish(reading);
}

static void in_pieces(const struct answer *answer, size_t cut)
{
    struct reading reading;
    size_t len = strlen(answer->text);
    begin(&reading, answer->head_request);
    feed(&reading, answer->text, cut);
    feed(&reading, answer->text + cut, len - cut);
    expect(answer, &reading);
}

static void byte_by_byte(const struct answer *answer)
{
    struct reading reading;
    begin(&reading, answer->head_request);
    for (const char *at = answer->text; *at; at++)
        feed(&reading, at, 1);
    expect(answer, &reading);
}

static void random_splits(const struct answer *answer, struct aggr_rng *rng)
{
    size_t len = strlen(answer->text), step;
    for (int round = 0; round < 50; round++) {
        struct reading reading;
        begin(&reading, answer->head_request);
        for (size_t at = 0; at < len; at += step) {
            step = 1 + aggr_rng_next(rng) % 24;
            step = step < len - at ? step : len - at;
            feed(&reading, answer->text + at, step);
        }
        expect(answer, &reading);
    }
}

static void splits_change_nothing(const struct answer *list, size_t count)
{
    struct aggr_rng rng;
    aggr_rng_init(&rng, 3);
    for (size_t i = 0; i < count; i++) {
        for (size_t cut = 0; cut <= strlen(list[i].text); cut++)
            in_pieces(&list[i], cut);
        byte_by_byte(&list[i]);
        random_splits(&list[i], &rng);
    }
}

/* Cut short anywhere it is an error, but for a body that ends with the connection. */
static void ends_too_early_are_errors(void)
{
    for (size_t i = 0; i < ANSWERS; i++) {
        const struct answer *answer = &answers[i];
        size_t len = strlen(answer->text);
        const char *body = strstr(answer->text, "\r\n\r\n") + 4;
        for (size_t cut = 0; cut < len; cut++) {
            struct reading reading;
            begin(&reading, answer->head_request);
            feed(&reading, answer->text, cut);
            enum aggr_err code = settle(&reading);
            if (cut == 0)
                CHECK(code == AGGR_ERR_CONNECT);
            else if (answer->close && answer->text + cut >= body)
                CHECK(code == AGGR_OK);
            else
                CHECK(code == AGGR_ERR_TRUNCATED);
            finish(&reading);
        }
    }
}

static void cuts_are_errors_everywhere(enum aggr_http1_ending ending)
{
    for (size_t i = 0; i < ANSWERS; i++) {
        for (size_t cut = 1; cut < strlen(answers[i].text); cut++) {
            struct reading reading;
            begin(&reading, answers[i].head_request);
            feed(&reading, answers[i].text, cut);
            CHECK(reading.verdict == AGGR_HTTP1_MORE);
            CHECK(aggr_http1_reader_end(&reading.reader, ending) == AGGR_HTTP1_BROKEN);
            CHECK(reading.reader.failure.code == AGGR_ERR_TRUNCATED);
            finish(&reading);
        }
    }
}

#define HOSTILE(text)                                                                              \
    {                                                                                              \
        text, AGGR_ERR_PROTOCOL, NULL, false, false, false                                         \
    }

/* However they are split they are refused; none of them ends with a body that could go on. */
static const struct answer hostile[] = {
    HOSTILE("SSH-2.0-OpenSSH_9.2\r\n"),
    HOSTILE("\r\n" OK "Content-Length: 0\r\n\r\n"),
    HOSTILE("HTTP/\r1.1 200 OK\r\n\r\n"),
    HOSTILE("HTTP/1.1\t200 OK\r\n\r\n"),
    HOSTILE("HTTP/1.1 20 OK\r\n\r\n"),
    HOSTILE("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    HOSTILE("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    HOSTILE(OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"),
    HOSTILE(OK "Content-Length: 1, 1\r\n\r\na"),
    HOSTILE(OK "Content-Length: +1\r\n\r\na"),
    HOSTILE(OK "Content-Length: 99999999999999999999999\r\n\r\n"),
    HOSTILE(OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    HOSTILE(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    HOSTILE(OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    HOSTILE(OK "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    HOSTILE("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    HOSTILE(OK "A: 1\r\n B: 2\r\n\r\n"),
    HOSTILE(OK " A: 1\r\n\r\n"),
    HOSTILE(OK "A : 1\r\n\r\n"),
    HOSTILE(OK "A: 1\n\r\n"),
    HOSTILE(OK "A\r\n\r\n"),
    HOSTILE(OK ": 1\r\n\r\n"),
    HOSTILE("HTTP/1.1 103 Hints\r\n A: 1\r\n\r\n" OK "Content-Length: 0\r\n\r\n"),
    HOSTILE("HTTP/1.1 103 Hints\r\nA: 1\r\n B: 2\r\n\r\n" OK "Content-Length: 0\r\n\r\n"),
    HOSTILE("HTTP/1.1 103 Hints\n\n" OK "Content-Length: 0\r\n\r\n"),
    HOSTILE("HTTP/1.1 103 Hints\r\nA: \x01\r\n\r\n" OK "Content-Length: 0\r\n\r\n"),
    HOSTILE("HTTP/1.1 103 H\rints\r\n\r\n" OK "Content-Length: 0\r\n\r\n"),
    HOSTILE(OK "Content-Length: 2\t2\r\n\r\nok"),
    HOSTILE(CHUNKED "x\r\n"),
    HOSTILE(CHUNKED "-1\r\n"),
    HOSTILE(CHUNKED "1 \r\na\r\n0\r\n\r\n"),
    HOSTILE(CHUNKED "0x1\r\na\r\n0\r\n\r\n"),
    HOSTILE(CHUNKED "1\na\r\n0\r\n\r\n"),
    HOSTILE(CHUNKED "1\r\nab\r\n0\r\n\r\n"),
    HOSTILE(CHUNKED "ffffffffffffffffff\r\n"),
    HOSTILE(CHUNKED "0\r\nA : 1\r\n\r\n"),
};

enum { HOSTILES = sizeof hostile / sizeof *hostile };

/* Read with the answer they are an error; the connection is not used again in any case. */
static void bytes_after_the_end_are_refused(void)
{
    for (size_t i = 0; i < ANSWERS; i++) {
        const struct answer *answer = &answers[i];
        struct reading reading;
        char text[512];
        if (answer->close)
            continue;
        snprintf(text, sizeof text, "%s" OK "\r\n", answer->text);
        begin(&reading, answer->head_request);
        feed(&reading, text, strlen(text));
        CHECK(settle(&reading) == AGGR_ERR_PROTOCOL);
        finish(&reading);
    }
}

/* A head of exactly so many bytes: one long field, or many. */
static char *head_of(size_t len, size_t line_max)
{
    char *head = malloc(len + 1), *at = head + sprintf(head, OK "Content-Length: 0\r\n"),
         *end = head + len - 2;
    while (at < end) {
        size_t line = (size_t)(end - at);
        if (line > line_max)
            line = line - line_max < 5 ? line_max - 5 : line_max;
        memset(at, 'a', line);
        memcpy(at, "A: ", 3);
        memcpy(at + line - 2, "\r\n", 2);
        at += line;
    }
    memcpy(end, "\r\n", 3);
    return head;
}

static void heads_have_a_limit(void)
{
    static const size_t lines[] = {100000, 1 << 20, 2000};
    for (int i = 0; i < 3; i++) {
        for (size_t over = 0; over < 2; over++) {
            struct reading reading;
            size_t len = AGGR_RESPONSE_HEAD_MAX + over;
            char *head = head_of(len, lines[i]);
            begin(&reading, false);
            for (size_t at = 0; at < len; at += 65536)
                feed(&reading, head + at, len - at < 65536 ? len - at : 65536);
            CHECK(settle(&reading) == (over ? AGGR_ERR_PROTOCOL : AGGR_OK));
            finish(&reading);
            free(head);
        }
    }
}

static void interim_responses_have_a_limit(void)
{
    struct reading reading;
    begin(&reading, false);
    for (int i = 0; i < 64; i++)
        feed(&reading, "HTTP/1.1 102 Processing\r\n\r\n", 27);
    CHECK(reading.verdict == AGGR_HTTP1_MORE);
    feed(&reading, "HTTP/1.1 102 Processing\r\n\r\n", 27);
    CHECK(settle(&reading) == AGGR_ERR_PROTOCOL);
    CHECK_STR(reading.reader.failure.text, "more than 64 interim responses");
    finish(&reading);
}

static unsigned hint(const char *fields)
{
    struct reading reading;
    char text[256];
    snprintf(text, sizeof text, OK "%sContent-Length: 0\r\n\r\n", fields);
    begin(&reading, false);
    feed(&reading, text, strlen(text));
    unsigned keep_s = reading.reader.keep_s;
    CHECK(settle(&reading) == AGGR_OK);
    finish(&reading);
    return keep_s;
}

static void servers_say_how_long_they_wait(void)
{
    CHECK(hint("") == 0);
    CHECK(hint("Keep-Alive: timeout=5, max=100\r\n") == 5);
    CHECK(hint("keep-alive: max=9, Timeout=75\r\n") == 75);
    CHECK(hint("Keep-Alive: timeout=\r\n") == 0);
    CHECK(hint("Keep-Alive: 5\r\n") == 0);
    CHECK(hint("Keep-Alive: timeout=99999999999\r\n") >= 60);
    CHECK(hint("X-Keep-Alive: timeout=5\r\n") == 0);
}

static void expect_request(const char *method, const char *url, const char *headers,
                           const char *body, const char *expected)
{
    struct aggr_url parsed = {0};
    struct aggr_failure why = {0};
    struct aggr_buf out = {0};
    CHECK(aggr_url_parse(&parsed, url, strlen(url), &why) == AGGR_OK);
    struct aggr_exchange_request request = {.method = method,
                                            .url = &parsed,
                                            .headers = headers,
                                            .headers_len = strlen(headers),
                                            .body = body,
                                            .body_len = body ? strlen(body) : 0};
    CHECK(aggr_http1_request(&out, &request) == AGGR_OK);
    aggr_buf_append(&out, "", 1);
    CHECK_STR(out.data, expected);
    aggr_buf_deinit(&out);
    aggr_url_deinit(&parsed);
}

static void requests_are_written_as_they_should_be(void)
{
    expect_request("GET", "http://a.test/x?y", "", NULL,
                   "GET /x?y HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n");
    expect_request("POST", "http://u:p@[::1]:81", "A: 1\nB:\naccept: x\n", "four",
                   "POST / HTTP/1.1\r\nHost: [::1]:81\r\nA: 1\r\nB:\r\naccept: x\r\n"
                   "Content-Length: 4\r\n\r\n");
    expect_request("PUT", "http://a.test/", "Accept-Encoding: x\nhost: b\n", "",
                   "PUT / HTTP/1.1\r\nAccept-Encoding: x\r\nhost: b\r\nAccept: */*\r\n"
                   "Content-Length: 0\r\n\r\n");
    expect_request("GET", "http://a.test/",
                   "A:\nB:\nC:\nD:\nE:\nF:\nG:\nH:\nI:\nJ:\nK:\nL:\nM:\nN:\nO:\nP:\nQ:\nR:\nS:\n",
                   NULL,
                   "GET / HTTP/1.1\r\nHost: a.test\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\n"
                   "H:\r\nI:\r\nJ:\r\nK:\r\nL:\r\nM:\r\nN:\r\nO:\r\nP:\r\nQ:\r\nR:\r\nS:\r\n"
                   "Accept: */*\r\n\r\n");
}

/* Such an upload is not silence, whatever the server has said before it. */
static void an_interim_response_does_not_end_the_upload(void)
{
    struct aggr_http1_connection connection = {0};
    struct aggr_exchange_request request = {.body = "four", .body_len = 4};
    struct aggr_exchange exchange = {
        .connection = &connection, .request = &request, .begun = true, .body_at = 2};
    exchange.reader.heard = true;
    CHECK(aggr_http1_exchange_phase(&exchange) == AGGR_PHASE_WRITE);
    exchange.body_at = 4;
    CHECK(aggr_http1_exchange_phase(&exchange) == AGGR_PHASE_WAIT);
}

int main(void)
{
    splits_change_nothing(answers, ANSWERS);
    splits_change_nothing(hostile, HOSTILES);
    ends_too_early_are_errors();
    cuts_are_errors_everywhere(AGGR_HTTP1_RESET);
    cuts_are_errors_everywhere(AGGR_HTTP1_CUT);
    bytes_after_the_end_are_refused();
    heads_have_a_limit();
    interim_responses_have_a_limit();
    servers_say_how_long_they_wait();
    requests_are_written_as_they_should_be();
    an_interim_response_does_not_end_the_upload();
    return check_report();
}
