/* Bodies in every framing and coding: cut at every byte, fed in every split, bombs, junk after the
 * end. */
#include "check.h"
#include "coded.h"
#include "io/response.h"

enum { PAYLOAD_BYTES = 400, MAX_BODY_BYTES = 1024 * 1024 };

static char payload[PAYLOAD_BYTES];
static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static struct aggr_buf coded_not(const char *bytes, size_t len)
{
    struct aggr_buf out = {0};
    aggr_buf_append(&out, bytes, len);
    return out;
}

static struct aggr_buf coded_twice(const char *bytes, size_t len)
{
    struct aggr_buf inner = coded_brotli(bytes, len), out = coded_gzip(inner.data, inner.len);
    aggr_buf_deinit(&inner);
    return out;
}

/* Two halves, each a member of its own. */
static struct aggr_buf in_members(struct aggr_buf (*code)(const char *, size_t), const char *bytes,
                                  size_t len)
{
    struct aggr_buf out = code(bytes, len / 2);
    struct aggr_buf second = code(bytes + len / 2, len - len / 2);
    aggr_buf_append(&out, second.data, second.len);
    aggr_buf_deinit(&second);
    return out;
}

static struct aggr_buf coded_gzip_members(const char *bytes, size_t len)
{
    return in_members(coded_gzip, bytes, len);
}

static struct aggr_buf coded_zstd_frames(const char *bytes, size_t len)
{
    return in_members(coded_zstd, bytes, len);
}

struct coding {
    const char *header;
    struct aggr_buf (*code)(const char *, size_t);
    bool members;  /* ends whole at a cut in the middle, too */
    bool checksum; /* no flipped bit goes unnoticed */
};

static const struct coding codings[] = {
    {"", coded_not, true, false},
    {"content-encoding: identity\r\n", coded_not, true, false},
    {"content-encoding: gzip\r\n", coded_gzip, false, true},
    {"content-encoding: gzip\r\n", coded_gzip_members, true, true},
    {"content-encoding: deflate\r\n", coded_deflate, false, true},
    {"content-encoding: deflate\r\n", coded_bare_deflate, false, false},
    {"content-encoding: br\r\n", coded_brotli, false, false},
    {"content-encoding: zstd\r\n", coded_zstd, false, true},
    {"content-encoding: zstd\r\n", coded_zstd_frames, true, true},
    {"content-encoding: br, gzip\r\n", coded_twice, false, true},
};
enum { CODINGS = sizeof codings / sizeof *codings };

struct framing {
    const char *status;
    enum aggr_framing kind;
};

static const struct framing framings[] = {
    {"HTTP/1.1 200 OK", AGGR_FRAMING_LENGTH}, {"HTTP/1.1 200 OK", AGGR_FRAMING_CHUNKED},
    {"HTTP/1.1 200 OK", AGGR_FRAMING_CLOSE},  {"HTTP/1.0 200 OK", AGGR_FRAMING_CLOSE},
    {"HTTP/2 200 ", AGGR_FRAMING_STREAM},     {"HTTP/2 200 ", AGGR_FRAMING_LENGTH},
};
enum { FRAMINGS = sizeof framings / sizeof *framings };

/* A head and a raw body for it. */
struct message {
    char head[256];
    struct aggr_buf body;
};

static void put_chunks(struct aggr_buf *out, const char *bytes, size_t len)
{
    char line[32];
    for (size_t n; len > 0; bytes += n, len -= n) {
        n = len < 37 ? len : 37;
        int size = snprintf(line, sizeof line, "%zx\r\n", n);
        aggr_buf_append(out, line, (size_t)size);
        aggr_buf_append(out, bytes, n);
        aggr_buf_append(out, "\r\n", 2);
    }
    aggr_buf_append(out, "0\r\nX-Sum: 1\r\n\r\n", 15);
}

static struct message make_message(const struct framing *framing, const struct coding *coding,
                                   const char *bytes, size_t len)
{
    struct message m = {0};
    char length[64] = "";
    struct aggr_buf coded = coding->code(bytes, len);
    if (framing->kind == AGGR_FRAMING_LENGTH)
        snprintf(length, sizeof length, "content-length: %zu\r\n", coded.len);
    if (framing->kind == AGGR_FRAMING_CHUNKED) {
        snprintf(length, sizeof length, "transfer-encoding: chunked\r\n");
        put_chunks(&m.body, coded.data, coded.len);
        aggr_buf_deinit(&coded);
    } else {
        m.body = coded;
    }
    snprintf(m.head, sizeof m.head, "%s\r\n%s%s\r\n", framing->status, coding->header, length);
    return m;
}

static void start(struct aggr_response *response, const struct message *m, uint64_t max)
{
    aggr_response_init(response, false, max);
    CHECK(aggr_response_head(response, m->head, strlen(m->head)));
}

static bool is_payload(const struct aggr_response *response, size_t len)
{
    return response->body.len == len && memcmp(response->body.data, payload, len) == 0;
}

/* `max_step` 0: all at once. */
static void check_split(const struct message *m, size_t max_step, bool random)
{
    struct aggr_response response;
    bool ok = true;
    start(&response, m, PAYLOAD_BYTES);
    for (size_t at = 0, n; at < m->body.len; at += n) {
        n = max_step == 0 ? m->body.len : random ? 1 + chance((uint32_t)max_step) : max_step;
        n = n < m->body.len - at ? n : m->body.len - at;
        ok &= aggr_response_data(&response, m->body.data + at, n);
    }
    CHECK(ok && aggr_response_finish(&response) && is_payload(&response, PAYLOAD_BYTES));
    CHECK(aggr_response_finish(&response)); /* idempotent */
    if (response.failure.code)
        fprintf(stderr, "  %s %s\n", m->head, response.failure.text);
    aggr_response_deinit(&response);
}

static void check_splits(const struct message *m)
{
    check_split(m, 0, false);
    for (size_t step = 1; step < 20; step++)
        check_split(m, step, false);
    for (size_t i = 0; i < 40; i++)
        check_split(m, 1 + i * 5, true);
}

static bool may_end_at(const struct framing *framing, const struct coding *coding, size_t cut)
{
    if (framing->kind == AGGR_FRAMING_STREAM && cut == 0)
        return true; /* an explicitly empty body */
    return coding->members &&
           (framing->kind == AGGR_FRAMING_STREAM || framing->kind == AGGR_FRAMING_CLOSE);
}

static void check_cuts(const struct message *m, const struct framing *framing,
                       const struct coding *coding)
{
    for (size_t cut = 0; cut < m->body.len; cut++) {
        struct aggr_response response;
        start(&response, m, PAYLOAD_BYTES);
        CHECK(aggr_response_data(&response, m->body.data, cut));
        bool ok = aggr_response_finish(&response);
        CHECK(ok ? may_end_at(framing, coding, cut)
                 : response.failure.code == AGGR_ERR_TRUNCATED &&
                       response.failure.phase == AGGR_PHASE_BODY);
        if (ok && !may_end_at(framing, coding, cut))
            fprintf(stderr, "  %s cut at %zu of %zu\n", m->head, cut, m->body.len);
        aggr_response_deinit(&response);
    }
}

static void every_body_survives_splits_and_no_cut(void)
{
    for (size_t f = 0; f < FRAMINGS; f++)
        for (size_t c = 0; c < CODINGS; c++) {
            struct message m = make_message(&framings[f], &codings[c], payload, PAYLOAD_BYTES);
            check_splits(&m);
            check_cuts(&m, &framings[f], &codings[c]);
            aggr_buf_deinit(&m.body);
        }
}

/* The outcome for `bytes` in one piece, and for them one at a time. */
static struct aggr_failure outcome(const char *head, const char *bytes, size_t len, uint64_t max)
{
    struct aggr_failure failures[2];
    for (int i = 0; i < 2; i++) {
        struct aggr_response response;
        aggr_response_init(&response, false, max);
        bool ok = aggr_response_head(&response, head, strlen(head));
        size_t step = i == 0 ? len : 1;
        for (size_t at = 0; ok && at < len; at += step)
            ok = aggr_response_data(&response, bytes + at, step);
        ok = aggr_response_finish(&response);
        CHECK(ok == (response.failure.code == AGGR_OK));
        CHECK(response.body.len <= max);
        failures[i] = response.failure;
        aggr_response_deinit(&response);
    }
    CHECK(failures[0].code == failures[1].code);
    CHECK_STR(failures[0].text, failures[1].text);
    return failures[0];
}

static void junk_after_the_end_is_refused(void)
{
    const struct framing *until_close = &framings[2];
    for (size_t c = 2; c < CODINGS; c++)
        for (const char *junk = "x\0\n\xff"; *junk != '\n'; junk++) {
            struct message m = make_message(until_close, &codings[c], payload, PAYLOAD_BYTES);
            aggr_buf_append(&m.body, junk, 1);
            struct aggr_failure why = outcome(m.head, m.body.data, m.body.len, MAX_BODY_BYTES);
            CHECK(why.code == AGGR_ERR_PROTOCOL);
            CHECK(strncmp(why.text, "bytes after the end of the ", 27) == 0);
            aggr_buf_deinit(&m.body);
        }
}

static void what_starts_another_member_must_be_one(void)
{
    struct message m = make_message(&framings[2], &codings[2], payload, PAYLOAD_BYTES);
    aggr_buf_append(&m.body, "\x1f", 1);
    CHECK(outcome(m.head, m.body.data, m.body.len, MAX_BODY_BYTES).code == AGGR_ERR_TRUNCATED);
    aggr_buf_append(&m.body, "xx", 2);
    struct aggr_failure why = outcome(m.head, m.body.data, m.body.len, MAX_BODY_BYTES);
    CHECK(why.code == AGGR_ERR_PROTOCOL);
    CHECK_STR(why.text, "corrupt gzip body after its first member: incorrect header check");
    aggr_buf_deinit(&m.body);
}

static void no_flipped_bit_changes_a_body_with_a_checksum(void)
{
    for (size_t c = 0; c < CODINGS; c++) {
        struct message m = make_message(&framings[2], &codings[c], payload, PAYLOAD_BYTES);
        for (size_t bit = 0; bit < m.body.len * 8; bit++) {
            struct aggr_response response;
            m.body.data[bit / 8] ^= (char)(1 << bit % 8);
            start(&response, &m, MAX_BODY_BYTES);
            bool ok = aggr_response_data(&response, m.body.data, m.body.len) &&
                      aggr_response_finish(&response);
            CHECK(!ok || !codings[c].checksum || is_payload(&response, PAYLOAD_BYTES));
            aggr_response_deinit(&response);
            m.body.data[bit / 8] ^= (char)(1 << bit % 8);
        }
        aggr_buf_deinit(&m.body);
    }
}

static void the_cap_is_exact(void)
{
    for (size_t f = 0; f < FRAMINGS; f++)
        for (size_t c = 0; c < CODINGS; c++) {
            struct message m = make_message(&framings[f], &codings[c], payload, PAYLOAD_BYTES);
            struct aggr_failure why;
            why = outcome(m.head, m.body.data, m.body.len, PAYLOAD_BYTES);
            CHECK(why.code == AGGR_OK);
            why = outcome(m.head, m.body.data, m.body.len, PAYLOAD_BYTES - 1);
            CHECK(why.code == AGGR_ERR_TOO_LARGE);
            CHECK(strstr(why.text, "larger than 399 bytes"));
            CHECK(outcome(m.head, m.body.data, m.body.len, 0).code == AGGR_ERR_TOO_LARGE);
            aggr_buf_deinit(&m.body);
        }
}

/* Feeds a bomb and checks that little memory was taken. */
static void check_bomb(const char *header, const struct aggr_buf *bomb)
{
    struct aggr_response response;
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n\r\n", header);
    aggr_response_init(&response, false, MAX_BODY_BYTES);
    CHECK(aggr_response_head(&response, head, strlen(head)));
    CHECK(!aggr_response_data(&response, bomb->data, bomb->len));
    CHECK(response.failure.code == AGGR_ERR_TOO_LARGE);
    CHECK(response.body.len <= MAX_BODY_BYTES && response.body.cap <= 2 * MAX_BODY_BYTES);
    CHECK(!aggr_response_data(&response, "x", 1) && !aggr_response_finish(&response));
    CHECK(response.failure.code == AGGR_ERR_TOO_LARGE); /* the first one stays */
    aggr_response_deinit(&response);
}

static void bombs_are_cut(void)
{
    const size_t size = 64 * 1024 * 1024;
    char *zeros = calloc(1, size);
    struct aggr_buf gzip = coded_gzip(zeros, size), brotli = coded_brotli(zeros, size),
                    zstd = coded_zstd(zeros, size);
    struct aggr_buf twice = coded_gzip(gzip.data, gzip.len);
    check_bomb("gzip", &gzip);
    check_bomb("br", &brotli);
    check_bomb("zstd", &zstd);
    check_bomb("gzip, gzip", &twice);
    aggr_buf_deinit(&gzip);
    aggr_buf_deinit(&brotli);
    aggr_buf_deinit(&zstd);
    aggr_buf_deinit(&twice);
    free(zeros);
}

/* Megabytes of empty members inside a small body: nothing comes out of them, ever. */
static void a_bomb_of_nothing_is_cut(void)
{
    struct aggr_buf member = coded_gzip("", 0), members = {0};
    for (int i = 0; i < 100000; i++)
        aggr_buf_append(&members, member.data, member.len);
    struct aggr_buf bomb = coded_brotli(members.data, members.len);
    check_bomb("gzip, br", &bomb);
    aggr_buf_deinit(&member);
    aggr_buf_deinit(&members);
    aggr_buf_deinit(&bomb);
}

static void framing_errors_have_their_texts(void)
{
    static const struct {
        const char *head, *body;
        enum aggr_err code;
        const char *text;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "abc", AGGR_ERR_PROTOCOL,
         "the body is longer than its Content-Length"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "abc", AGGR_ERR_TRUNCATED,
         "the body ends 2 bytes before its Content-Length"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "a", AGGR_ERR_PROTOCOL,
         "the body is longer than its Content-Length"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "a", AGGR_ERR_PROTOCOL,
         "body bytes in a response that has no body"},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\n", "a", AGGR_ERR_PROTOCOL,
         "body bytes in a response that has no body"},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", AGGR_OK, ""},
        {"HTTP/1.1 204 No\r\nContent-Encoding: gzip\r\n\r\n", "", AGGR_OK, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", AGGR_ERR_TRUNCATED,
         "the body ends before its last chunk"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\r\nx", AGGR_ERR_PROTOCOL,
         "malformed chunked body: bytes after its end"},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", "", AGGR_OK, ""},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n",
         "0\r\n\r\n", AGGR_OK, ""},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "", AGGR_ERR_TRUNCATED,
         "the body ends inside its gzip coding"},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "hello", AGGR_ERR_PROTOCOL,
         "corrupt gzip body: incorrect header check"},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n", "hello", AGGR_ERR_PROTOCOL,
         "corrupt zstd body: Unknown frame descriptor"},
        {"HTTP/1.1 200 OK\r\n\r\n", "until the end", AGGR_OK, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aggr_failure why = outcome(rows[i].head, rows[i].body, strlen(rows[i].body), 1000);
        CHECK(why.code == rows[i].code);
        CHECK_STR(why.text, rows[i].text);
    }
}

static void calls_out_of_order_fail(void)
{
    struct aggr_response response;
    aggr_response_init(&response, false, 1000);
    CHECK(!aggr_response_data(&response, "x", 1));
    CHECK_STR(response.failure.text, "body bytes before the response head");
    CHECK(!aggr_response_head(&response, "HTTP/1.1 200 OK\r\n\r\n", 19));
    aggr_response_deinit(&response);
    aggr_response_init(&response, false, 1000);
    CHECK(!aggr_response_finish(&response));
    CHECK(response.failure.code == AGGR_ERR_TRUNCATED);
    CHECK(response.failure.phase == AGGR_PHASE_WAIT);
    CHECK_STR(response.failure.text, "the connection ended before a complete response head");
    aggr_response_deinit(&response);
}

/* The library may know frames of its early versions, which RFC 8878 does not. */
static void old_zstd_frames_are_refused(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n";
    for (char first = 0x22; first < 0x28; first++) {
        char frame[] = {first, '\xb5', '\x2f', '\xfd', 0, '\xc1', 0, 'x'};
        struct aggr_failure why = outcome(head, frame, sizeof frame, 1000);
        CHECK(why.code == AGGR_ERR_PROTOCOL);
        CHECK_STR(why.text, "corrupt zstd body: Unknown frame descriptor");
    }
}

/* A hand-made frame: window descriptor, then one raw block "x" (RFC 8878 §3.1.1). */
static void a_zstd_window_over_8_mib_is_refused(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n";
    char frame[] = "\x28\xb5\x2f\xfd\x00\x68\x09\x00\x00x";
    CHECK(outcome(head, frame, sizeof frame - 1, 1000).code == AGGR_OK);
    frame[5] = 0x70;
    struct aggr_failure why = outcome(head, frame, sizeof frame - 1, 1000);
    CHECK(why.code == AGGR_ERR_PROTOCOL);
    CHECK(strstr(why.text, "corrupt zstd body: "));
}

int main(void)
{
    for (size_t i = 0; i < PAYLOAD_BYTES; i++)
        payload[i] = "abcdefgh \r\n\0{}01"[chance(16)];
    every_body_survives_splits_and_no_cut();
    junk_after_the_end_is_refused();
    what_starts_another_member_must_be_one();
    no_flipped_bit_changes_a_body_with_a_checksum();
    the_cap_is_exact();
    bombs_are_cut();
    a_bomb_of_nothing_is_cut();
    framing_errors_have_their_texts();
    calls_out_of_order_fail();
    a_zstd_window_over_8_mib_is_refused();
    old_zstd_frames_are_refused();
    return check_report();
}
