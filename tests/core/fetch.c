/* The fetch over a scripted transport on a virtual clock: time-outs to the nanosecond, redirects,
 * permits under cancels (R25, R30, facts 8). */
#include "io/fetch.h"
#include "base/rng.h"
#include "check.h"
#include "scripted.h"
#include "virtual.h"
#include <unistd.h>

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
#define TO(status, where) "HTTP/1.1 " status " X\r\nContent-Length: 0\r\nLocation: " where "\r\n"

static const struct script scripts[] = {
    {"/ok", 10, 20, 30, 30, OK_HEAD, "ok", 0},
    {"/slow", 10, 2000, 2000, 2000, OK_HEAD, "ok", 0},
    {"/unconnected", 60000, 60000, 60000, 60000, NULL, NULL, 0},
    {"/unfinished", 10, 20, 30, 900000, OK_HEAD, "o", 0},
    {"/short", 10, 20, 30, 40, OK_HEAD, "o", 0},
    {"/reset", 10, 20, 20, 20, NULL, NULL, AGGR_ERR_CONNECT},
    {"/301", 1, 2, 2, 2, TO("301", "/ok"), NULL, 0},
    {"/302", 1, 2, 2, 2, TO("302", "/ok"), NULL, 0},
    {"/303", 1, 2, 2, 2, TO("303", "/ok"), NULL, 0},
    {"/307", 1, 2, 2, 2, TO("307", "/ok"), NULL, 0},
    {"/308", 1, 2, 2, 2, TO("308", "//other:81/ok"), NULL, 0},
    {"/same", 1, 2, 2, 2, TO("307", "http://script:80/ok"), NULL, 0},
    {"/tls", 1, 2, 2, 2, TO("302", "https://script/ok"), NULL, 0},
    {"/loop", 1, 2, 2, 2, TO("302", "/loop"), NULL, 0},
    {"/file", 1, 2, 2, 2, TO("302", "file:///etc/passwd"), NULL, 0},
    {"/nowhere", 1, 2, 3, 3, "HTTP/1.1 302 X\r\nContent-Length: 2\r\n", "ok", 0},
    {"/switch", 1, 2, 2, 2, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n", NULL, 0},
    {NULL, 0, 0, 0, 0, NULL, NULL, 0},
};

static struct virtual_clock clock_;
static struct aggr_runtime rt;
static struct scripted scripted;
static const struct aggr_policy *policy;
static int ended;

static void open_runtime(unsigned concurrency, unsigned per_host)
{
    struct aggr_policy_options plain = {0};
    struct aggr_failure why = {0};
    clock_ = virtual_clock_at(AGGR_NS_PER_S);
    scripted = (struct scripted){.transport.ops = &scripted_ops, .scripts = scripts};
    struct aggr_runtime_options options = {.concurrency = concurrency,
                                           .per_host = per_host,
                                           .clock = &clock_.clock,
                                           .transport = &scripted.transport};
    CHECK(aggr_runtime_init(&rt, &options) == AGGR_OK);
    scripted.loop = &rt.loop;
    policy = aggr_policy_intern(rt.policies, &plain, &why);
    ended = 0;
}

static void close_runtime(void)
{
    CHECK(scripted.in_flight == 0);
    CHECK(aggr_gate_stats(rt.gate).in_use == 0 && aggr_gate_stats(rt.gate).waiting == 0);
    CHECK(!aggr_loop_pending(&rt.loop));
    CHECK(aggr_runtime_deinit(&rt) == 0);
}

static void on_end(struct aggr_fetch *fetch, void *owner)
{
    (void)fetch;
    ++*(int *)owner;
}

static struct aggr_fetch_request request_for(const char *url)
{
    return (struct aggr_fetch_request){.method = "GET",
                                       .url = url,
                                       .url_len = strlen(url),
                                       .headers = "",
                                       .policy = policy,
                                       .timeout_ns = AGGR_NEVER,
                                       .connect_timeout_ns = AGGR_NEVER,
                                       .idle_timeout_ns = AGGR_NEVER,
                                       .max_body_bytes = 1 << 20,
                                       .redirects = 10};
}

static struct aggr_fetch *begin(const struct aggr_fetch_request *request)
{
    struct aggr_fetch *fetch = aggr_fetch_new(&rt, request, on_end, &ended);
    aggr_fetch_start(fetch);
    return fetch;
}

static struct aggr_fetch *run(const struct aggr_fetch_request *request)
{
    struct aggr_fetch *fetch = begin(request);
    int before = ended;
    for (int turns = 0; ended == before && turns < 1000 && aggr_loop_pending(&rt.loop); turns++)
        aggr_loop_turn(&rt.loop, true);
    return fetch;
}

static uint64_t ms_since(uint64_t begun_ns)
{
    return (clock_.now_ns - begun_ns) / AGGR_NS_PER_MS;
}

static void a_good_answer_has_its_times(void)
{
    struct aggr_fetch_timing timing;
    open_runtime(0, 0);
    struct aggr_fetch_request request = request_for("http://script/ok");
    struct aggr_fetch *fetch = run(&request);
    CHECK(ended == 1 && aggr_fetch_failure(fetch)->code == AGGR_OK);
    CHECK(aggr_fetch_response(fetch)->status == 200);
    CHECK(aggr_fetch_response(fetch)->body.len == 2);
    aggr_fetch_timing(fetch, &timing);
    CHECK(timing.connect == 10 * AGGR_NS_PER_MS && timing.wait == 10 * AGGR_NS_PER_MS);
    CHECK(timing.body == 10 * AGGR_NS_PER_MS && timing.total == 30 * AGGR_NS_PER_MS);
    CHECK(timing.queue == 0 && timing.dns == 0 && timing.tls == 0);
    aggr_fetch_free(fetch);
    close_runtime();
}

static void expect_timeout(struct aggr_fetch_request *request, uint64_t after_ms,
                           enum aggr_phase phase, const char *text)
{
    open_runtime(0, 0);
    request->policy = policy;
    uint64_t begun_ns = clock_.now_ns;
    struct aggr_fetch *fetch = run(request);
    const struct aggr_failure *failure = aggr_fetch_failure(fetch);
    CHECK(ended == 1 && clock_.now_ns - begun_ns == after_ms * AGGR_NS_PER_MS);
    CHECK(failure->code == AGGR_ERR_TIMEOUT && failure->phase == phase);
    CHECK_STR(failure->text, text);
    aggr_fetch_free(fetch);
    close_runtime();
}

static void timeouts_are_exact_in_each_phase(void)
{
    struct aggr_fetch_request request = request_for("http://script/unconnected");
    request.connect_timeout_ns = 5 * AGGR_NS_PER_S;
    request.timeout_ns = 10 * AGGR_NS_PER_S;
    expect_timeout(&request, 5000, AGGR_PHASE_CONNECT, "no connection to script within 5.0 s");
    request.connect_timeout_ns = AGGR_NEVER;
    expect_timeout(&request, 10000, AGGR_PHASE_CONNECT, "no connection to script within 10.0 s");
    request = request_for("http://script/slow");
    request.timeout_ns = 150 * AGGR_NS_PER_MS;
    expect_timeout(&request, 150, AGGR_PHASE_WAIT, "no byte for 140 ms");
    request = request_for("http://script/slow");
    request.idle_timeout_ns = 200 * AGGR_NS_PER_MS;
    request.connect_timeout_ns = 50 * AGGR_NS_PER_MS; /* over: it has connected */
    expect_timeout(&request, 210, AGGR_PHASE_WAIT, "no byte for 200 ms");
    request = request_for("http://script/unfinished");
    request.timeout_ns = 2 * AGGR_NS_PER_S;
    expect_timeout(&request, 2000, AGGR_PHASE_BODY, "body not complete within 2.0 s");
    request.idle_timeout_ns = 1 * AGGR_NS_PER_S;
    expect_timeout(&request, 1030, AGGR_PHASE_BODY, "no byte for 1.0 s");
}

static void timeouts_stand_still_in_the_queue(void)
{
    struct aggr_fetch_timing timing;
    open_runtime(1, 1);
    struct aggr_fetch_request slow = request_for("http://script/slow");
    struct aggr_fetch_request quick = request_for("http://script/ok");
    quick.timeout_ns = 31 * AGGR_NS_PER_MS;
    quick.connect_timeout_ns = 11 * AGGR_NS_PER_MS;
    struct aggr_fetch *first = begin(&slow);
    struct aggr_fetch *second = run(&quick);
    CHECK(ended == 1 && aggr_gate_stats(rt.gate).waiting == 0);
    while (ended < 2)
        aggr_loop_turn(&rt.loop, true);
    CHECK(aggr_fetch_failure(second)->code == AGGR_OK);
    aggr_fetch_timing(second, &timing);
    CHECK(timing.queue == 2000 * AGGR_NS_PER_MS && timing.total == 2030 * AGGR_NS_PER_MS);
    aggr_fetch_free(first);
    aggr_fetch_free(second);
    close_runtime();
}

static void failures_keep_their_kind(void)
{
    static const struct {
        const char *url;
        enum aggr_err code;
    } cases[] = {
        {"http://script/short", AGGR_ERR_TRUNCATED}, {"http://script/reset", AGGR_ERR_CONNECT},
        {"http://script/loop", AGGR_ERR_PROTOCOL},   {"http://script/file", AGGR_ERR_DENIED},
        {"http://script/switch", AGGR_ERR_PROTOCOL}, {"ftp://script/", AGGR_ERR_USAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_runtime(0, 0);
        struct aggr_fetch_request request = request_for(cases[i].url);
        struct aggr_fetch *fetch = run(&request);
        CHECK(ended == 1 && aggr_fetch_failure(fetch)->code == cases[i].code);
        CHECK(aggr_fetch_failure(fetch)->text[0] != '\0');
        aggr_fetch_free(fetch);
        close_runtime();
    }
}

static void misuse_is_told_before_anything_is_sent(void)
{
    struct aggr_fetch_request bad[5];
    open_runtime(0, 0);
    for (int i = 0; i < 5; i++)
        bad[i] = request_for("http://script/ok");
    bad[0].headers = "X: a\rEvil: b\n";
    bad[1].headers = "Content-Length: 5\n";
    bad[2].method = "GET\r\nX: y";
    bad[3].headers = "no colon\n";
    bad[4].method = "HEAD";
    bad[4].body = "x";
    bad[4].body_len = 1;
    for (int i = 0; i < 5; i++) {
        bad[i].headers_len = strlen(bad[i].headers);
        struct aggr_fetch *fetch = begin(&bad[i]);
        CHECK(ended == i + 1 && aggr_fetch_failure(fetch)->code == AGGR_ERR_USAGE);
        aggr_fetch_free(fetch);
    }
    CHECK(scripted.started == 0);
    close_runtime();
}

/* The request that the last hop made, after `method` was sent to `path` with a body and secrets. */
static const char *redirected(const char *method, const char *path)
{
    char url[64];
    open_runtime(0, 0);
    snprintf(url, sizeof url, "http://user:pw@script%s", path);
    struct aggr_fetch_request request = request_for(url);
    request.method = method;
    request.headers = "X-Api-Key: s3cret\nCookie: a=b\nContent-Type: text/plain\nAccept: text/x\n";
    request.headers_len = strlen(request.headers);
    if (strcmp(method, "GET") != 0) {
        request.body = "body";
        request.body_len = 4;
    }
    struct aggr_fetch *fetch = run(&request);
    CHECK(ended == 1 && aggr_fetch_failure(fetch)->code == AGGR_OK && scripted.started == 2);
    aggr_fetch_free(fetch);
    close_runtime();
    return scripted.last;
}

#define ALWAYS "Accept-Encoding: gzip, br, zstd\nUser-Agent: aggr/" AGGR_VERSION "\n"
#define BASIC "Authorization: Basic dXNlcjpwdw==\n"
#define SECRETS "X-Api-Key: s3cret\nCookie: a=b\n"

static void redirects_rewrite_method_and_body(void)
{
    static const char kept[] = " http://script/ok\n" SECRETS
                               "Content-Type: text/plain\nAccept: text/x\n" ALWAYS BASIC "\nbody";
    static const char get[] = "GET http://script/ok\n" SECRETS "Accept: text/x\n" ALWAYS BASIC "\n";
    CHECK_STR(redirected("POST", "/301"), get);
    CHECK_STR(redirected("POST", "/302"), get);
    CHECK_STR(redirected("POST", "/303"), get);
    CHECK_STR(redirected("PUT", "/303"), get);
    CHECK_STR(redirected("PUT", "/301") + 3, kept);
    CHECK_STR(redirected("DELETE", "/302") + 6, kept);
    CHECK_STR(redirected("POST", "/307") + 4, kept);
    CHECK_STR(redirected("POST", "/same") + 4, kept);
}

static void secrets_stay_with_their_origin(void)
{
    CHECK_STR(redirected("GET", "/308"),
              "GET http://other:81/ok\nContent-Type: text/plain\nAccept: text/x\n" ALWAYS "\n");
    CHECK_STR(redirected("GET", "/tls"),
              "GET https://script/ok\nContent-Type: text/plain\nAccept: text/x\n" ALWAYS "\n");
    CHECK_STR(redirected("POST", "/308"), "POST http://other:81/ok\nContent-Type: text/plain\n"
                                          "Accept: text/x\n" ALWAYS "\nbody");
}

static void a_redirect_may_be_the_result(void)
{
    open_runtime(0, 0);
    struct aggr_fetch_request request = request_for("http://script/301");
    request.redirects = 0;
    struct aggr_fetch *fetch = run(&request);
    CHECK(aggr_fetch_failure(fetch)->code == AGGR_OK);
    CHECK(aggr_fetch_response(fetch)->status == 301);
    aggr_fetch_free(fetch);
    request = request_for("http://script/nowhere");
    fetch = run(&request);
    CHECK(aggr_fetch_failure(fetch)->code == AGGR_OK);
    CHECK(aggr_fetch_response(fetch)->status == 302 && scripted.started == 2);
    aggr_fetch_free(fetch);
    request = request_for("http://script/loop");
    request.redirects = 3;
    fetch = run(&request);
    CHECK_STR(aggr_fetch_failure(fetch)->text, "more than 3 redirects");
    CHECK(scripted.started == 6);
    aggr_fetch_free(fetch);
    close_runtime();
}

/* At 5 ms it connects, at 15 waits, at 25 reads; another one waits for the only permit. */
static void cancelling_ends_it_at_once_in_each_phase(void)
{
    for (uint64_t at_ms = 5; at_ms <= 25; at_ms += 10) {
        open_runtime(1, 1);
        struct aggr_fetch_request request = request_for("http://script/ok");
        uint64_t begun_ns = clock_.now_ns;
        struct aggr_fetch *first = begin(&request), *queued = begin(&request);
        struct aggr_fetch *last = begin(&request);
        while (ms_since(begun_ns) + 10 <= at_ms)
            aggr_loop_turn(&rt.loop, true);
        CHECK(aggr_gate_stats(rt.gate).in_use == 1 && aggr_gate_stats(rt.gate).waiting == 2);
        aggr_fetch_cancel(queued);
        aggr_fetch_cancel(first);
        CHECK(scripted.in_flight == 0 && scripted.cancelled == 1);
        CHECK(aggr_gate_stats(rt.gate).in_use == 0 && aggr_gate_stats(rt.gate).waiting == 1);
        CHECK(aggr_loop_pending(&rt.loop)); /* the last one is about to be told */
        aggr_fetch_cancel(first);
        while (ended == 0)
            aggr_loop_turn(&rt.loop, true);
        CHECK(ended == 1 && aggr_fetch_failure(last)->code == AGGR_OK);
        aggr_fetch_free(first);
        aggr_fetch_free(queued);
        aggr_fetch_free(last);
        close_runtime();
    }
}

static void permits_stay_exact_in_a_storm_of_cancels(void)
{
    enum { COUNT = 300, ROUNDS = 40, LIMIT = 7 };
    static struct aggr_fetch *fetches[COUNT];
    struct aggr_rng rng;
    static const char *const urls[] = {"http://script/ok", "http://script/302", "http://b/slow",
                                       "http://script/reset", "http://c/loop"};
    aggr_rng_init(&rng, 42);
    open_runtime(LIMIT, 4);
    int wanted = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < COUNT; i++) {
            struct aggr_fetch_request request = request_for(urls[aggr_rng_below(&rng, 5)]);
            request.timeout_ns = aggr_rng_below(&rng, 100) * AGGR_NS_PER_MS;
            fetches[i] = begin(&request);
        }
        for (int turns = (int)aggr_rng_below(&rng, 60); turns > 0; turns--)
            aggr_loop_turn(&rt.loop, true);
        for (int i = 0; i < COUNT; i++)
            aggr_fetch_cancel(fetches[(i * 7 + round) % COUNT]);
        wanted += COUNT;
        CHECK(scripted.in_flight == 0 && aggr_gate_stats(rt.gate).in_use == 0);
        for (int i = 0; i < COUNT; i++)
            aggr_fetch_free(fetches[i]);
        aggr_loop_turn(&rt.loop, false);
    }
    CHECK(scripted.peak == LIMIT && aggr_gate_stats(rt.gate).peak == LIMIT);
    CHECK(ended <= wanted && rt.fetches == 0);
    close_runtime();
}

int main(void)
{
    alarm(60);
    a_good_answer_has_its_times();
    timeouts_are_exact_in_each_phase();
    timeouts_stand_still_in_the_queue();
    failures_keep_their_kind();
    misuse_is_told_before_anything_is_sent();
    redirects_rewrite_method_and_body();
    secrets_stay_with_their_origin();
    a_redirect_may_be_the_result();
    cancelling_ends_it_at_once_in_each_phase();
    permits_stay_exact_in_a_storm_of_cancels();
    return check_report();
}
