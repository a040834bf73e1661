/* The seam of events: each exchange is seen once when it starts and once when it ends, by its id.
 */
#include "base/trace.h"
#include "check.h"
#include "io/fetch.h"
#include "scripted.h"
#include "virtual.h"

static const struct script scripts[] = {
    {"/ok", 1, 2, 3, 3, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "ok", 0},
    {"/moved", 1, 2, 2, 2, "HTTP/1.1 301 X\r\nContent-Length: 0\r\nLocation: /ok\r\n", NULL, 0},
    {"/reset", 1, 2, 2, 2, NULL, NULL, AGGR_ERR_CONNECT},
    {"/endless", 1, 2, 3, 60000, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "o", 0},
    {NULL, 0, 0, 0, 0, NULL, NULL, 0},
};

struct witness {
    struct aggr_trace trace;
    unsigned started, ended;
    uint64_t last_id;
};

static void on_event(struct aggr_trace *self, enum aggr_trace_event event, uint64_t id)
{
    struct witness *witness = (struct witness *)self;
    if (event == AGGR_TRACE_EXCHANGE_START) {
        witness->started++;
        CHECK(id > witness->last_id);
        witness->last_id = id;
    } else {
        witness->ended++;
        CHECK(event == AGGR_TRACE_EXCHANGE_END && id == witness->last_id);
    }
}

static void on_end(struct aggr_fetch *fetch, void *context)
{
    (void)fetch;
    *(bool *)context = true;
}

/* Fetches `path`; cancels it at once when `cancel` is set. */
static void fetch_path(struct aggr_runtime *rt, const struct aggr_policy *policy, const char *path,
                       bool cancel)
{
    char url[64];
    bool ended = false;
    snprintf(url, sizeof url, "http://script%s", path);
    struct aggr_fetch_request request = {.method = "GET",
                                         .url = url,
                                         .url_len = strlen(url),
                                         .headers = "",
                                         .policy = policy,
                                         .timeout_ns = AGGR_NEVER,
                                         .connect_timeout_ns = AGGR_NEVER,
                                         .idle_timeout_ns = AGGR_NEVER,
                                         .max_body_bytes = 1 << 20,
                                         .redirects = 10};
    struct aggr_fetch *fetch = aggr_fetch_new(rt, &request, on_end, &ended);
    aggr_fetch_start(fetch);
    if (cancel)
        aggr_fetch_cancel(fetch);
    for (int turns = 0; !ended && !cancel && turns < 1000; turns++)
        aggr_loop_turn(&rt->loop, true);
    CHECK(ended == !cancel);
    aggr_fetch_free(fetch);
    aggr_loop_turn(&rt->loop, false);
}

int main(void)
{
    struct virtual_clock clock = virtual_clock_at(AGGR_NS_PER_S);
    struct scripted scripted = {.transport.ops = &scripted_ops, .scripts = scripts};
    struct aggr_runtime_options options = {.clock = &clock.clock, .transport = &scripted.transport};
    struct aggr_policy_options plain = {0};
    struct witness witness = {.trace.on_event = on_event};
    struct aggr_failure why = {0};
    struct aggr_runtime rt;
    CHECK(aggr_runtime_init(&rt, &options) == AGGR_OK);
    scripted.loop = &rt.loop;
    rt.trace = &witness.trace;
    const struct aggr_policy *policy = aggr_policy_intern(rt.policies, &plain, &why);
    fetch_path(&rt, policy, "/ok", false);
    fetch_path(&rt, policy, "/moved", false);
    fetch_path(&rt, policy, "/reset", false);
    fetch_path(&rt, policy, "/endless", true);
    CHECK(witness.started == 4 && witness.ended == 4);
    CHECK(aggr_runtime_deinit(&rt) == 0);
    return check_report();
}
