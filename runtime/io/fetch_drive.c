#include "io/fetch_drive.h"
#include "io/late.h"
#include <string.h>

/* How much of a redirect's own body is read so that its connection can be used again. */
enum { REDIRECT_BODY_MAX = 64 * 1024 };

/* Account for the time spent in the state that ends now. */
static void enter(struct aggr_fetch *fetch, enum aggr_fetch_state state, uint64_t now_ns)
{
    struct aggr_fetch_timing *timing = &fetch->timing;
    uint64_t *const spent[] = {
        [AGGR_FETCH_DNS] = &timing->dns,         [AGGR_FETCH_QUEUE] = &timing->queue,
        [AGGR_FETCH_CONNECT] = &timing->connect, [AGGR_FETCH_WAIT] = &timing->wait,
        [AGGR_FETCH_BODY] = &timing->body,
    };
    if (fetch->state > AGGR_FETCH_NEW && fetch->state < AGGR_FETCH_ENDED)
        *spent[fetch->state] += now_ns - fetch->state_ns;
    fetch->state = state;
    fetch->state_ns = now_ns;
}

static uint64_t now_of(struct aggr_fetch *fetch)
{
    return aggr_loop_now(&fetch->rt->loop);
}

/* Within what an event or a start has begun. */
static uint64_t instant_of(const struct aggr_fetch *fetch)
{
    return aggr_loop_instant(&fetch->rt->loop);
}

/* The limit moves away while the timer stays: it may fire early and is set again then. */
void aggr_fetch_arm(struct aggr_fetch *fetch)
{
    struct aggr_loop *loop = &fetch->rt->loop;
    uint64_t due_ns = aggr_limits_due(&fetch->limits);
    if (aggr_timer_active(&fetch->timer) && due_ns >= fetch->timer.due_ns)
        return;
    const void *before = aggr_ledger_act_for(&loop->ledger, fetch->doer);
    aggr_timer_start(&loop->timers, &fetch->timer, due_ns);
    aggr_ledger_act_for(&loop->ledger, before);
}

/* Ends whatever is under way, in the same turn; no callback of it comes any more. */
static void stop(struct aggr_fetch *fetch)
{
    struct aggr_runtime *rt = fetch->rt;
    aggr_timer_stop(&rt->loop.timers, &fetch->timer);
    if (fetch->state == AGGR_FETCH_DNS)
        aggr_lookup_cancel(&fetch->query);
    aggr_backlog_leave(fetch);
    if (fetch->exchange)
        fetch->transport->ops->cancel(fetch->exchange);
    fetch->exchange = NULL;
    if (fetch->state == AGGR_FETCH_QUEUE)
        aggr_gate_withdraw(rt->gate, &fetch->waiter);
    else if (aggr_waiter_granted(&fetch->waiter))
        aggr_gate_release(rt->gate, &fetch->waiter);
    aggr_runtime_pump_soon(rt);
}

static void end(struct aggr_fetch *fetch)
{
    struct aggr_runtime *rt = fetch->rt;
    uint64_t now_ns = instant_of(fetch);
    aggr_timer_stop(&rt->loop.timers, &fetch->timer);
    enter(fetch, AGGR_FETCH_ENDED, now_ns);
    fetch->timing.total = now_ns - fetch->begun_ns;
    rt->fetches--;
    aggr_ledger_gone(&rt->loop.ledger, AGGR_LEDGER_REQUESTS, (uintptr_t)fetch, 1);
    aggr_trace_emit(rt->trace, AGGR_TRACE_EXCHANGE_END, fetch->id);
}

static void finish(struct aggr_fetch *fetch)
{
    end(fetch);
    fetch->on_end(fetch, fetch->owner);
}

static void fail(struct aggr_fetch *fetch, const struct aggr_failure *failure)
{
    fetch->response.failure = *failure;
    finish(fetch);
}

static void begin_hop(struct aggr_fetch *fetch, uint64_t now_ns);

/* Something has happened to it in this turn. */
static void note(struct aggr_fetch *fetch)
{
    if (fetch->rt->late)
        aggr_late_note(fetch->rt->late, &fetch->late_round, fetch->hop.url.text);
}

/* The exchange is over: the permit goes back first, whatever comes next. */
static void give_back(struct aggr_fetch *fetch)
{
    aggr_gate_release(fetch->rt->gate, &fetch->waiter);
    aggr_runtime_pump(fetch->rt);
}

static void follow(struct aggr_fetch *fetch)
{
    struct aggr_failure why = {0};
    if (fetch->redirects++ == fetch->redirects_max) {
        aggr_failure_set(&why, AGGR_ERR_PROTOCOL, AGGR_PHASE_BODY, "more than %u redirect%s",
                         fetch->redirects_max, fetch->redirects_max == 1 ? "" : "s");
        fail(fetch, &why);
        return;
    }
    if (aggr_hop_follow(&fetch->hop, fetch->response.status, fetch->location, fetch->location_len,
                        &why)) {
        fail(fetch, &why);
        return;
    }
    uint64_t max_body_bytes = fetch->response.max_body_bytes;
    aggr_fetch_hold(fetch, 0);
    aggr_response_deinit(&fetch->response);
    aggr_response_init(&fetch->response, strcmp(fetch->hop.method, "HEAD") == 0, max_body_bytes);
    fetch->location = NULL;
    fetch->redirect_body = 0;
    begin_hop(fetch, instant_of(fetch));
}

static void on_end(struct aggr_sink *sink, const struct aggr_end *ended)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(sink, struct aggr_fetch, sink);
    struct aggr_response *response = &fetch->response;
    bool ours = ended->failure.code == AGGR_ERR_CANCELLED; /* on_head or on_data wanted no more */
    note(fetch);
    aggr_backlog_leave(fetch);
    fetch->exchange = NULL;
    uint64_t tls_ns = ended->tls_ns < fetch->timing.connect ? ended->tls_ns : 0;
    fetch->timing.tls += tls_ns;
    fetch->timing.connect -= tls_ns;
    give_back(fetch);
    if (response->status == 0)
        aggr_router_failed(&fetch->rt->router, fetch->transport, fetch->policy, &fetch->hop.url);
    if (response->failure.code)
        fail(fetch, &response->failure);
    else if (ended->failure.code && !(ours && fetch->location))
        fail(fetch, &ended->failure);
    else if (fetch->location)
        follow(fetch);
    else if (!aggr_response_finish(response))
        fail(fetch, &response->failure);
    else
        finish(fetch);
}

static void on_connected(struct aggr_sink *sink)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(sink, struct aggr_fetch, sink);
    note(fetch);
    if (fetch->state != AGGR_FETCH_CONNECT)
        return; /* a retry on a new connection */
    uint64_t now_ns = now_of(fetch);
    enter(fetch, AGGR_FETCH_WAIT, now_ns);
    aggr_limits_connected(&fetch->limits, now_ns);
    aggr_fetch_arm(fetch);
}

/* As for the first connection; it is not looked up again. */
static void on_redial(struct aggr_sink *sink)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(sink, struct aggr_fetch, sink);
    aggr_backlog_redial(fetch);
    enter(fetch, AGGR_FETCH_CONNECT, now_of(fetch));
    aggr_limits_begin_hop(&fetch->limits, now_of(fetch));
    aggr_fetch_arm(fetch);
}

/* By ALPN or by what was asked for; libcurl takes an HTTP/2 status line from HTTP/1 peers too. */
static bool may_be_http2(const struct aggr_fetch *fetch)
{
    enum aggr_policy_http http = fetch->policy->http;
    return http == AGGR_POLICY_HTTP_2 || (http == AGGR_POLICY_HTTP_AUTO && fetch->hop.url.https);
}

static bool on_head(struct aggr_sink *sink, const char *bytes, size_t len)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(sink, struct aggr_fetch, sink);
    struct aggr_response *response = &fetch->response;
    uint64_t now_ns = now_of(fetch);
    aggr_limits_heard(&fetch->limits, now_ns);
    enter(fetch, AGGR_FETCH_BODY, now_ns);
    aggr_backlog_answered(fetch);
    bool is_good = aggr_response_head(response, bytes, len);
    aggr_fetch_hold(fetch, response->head.len);
    if (!is_good)
        return false;
    if (aggr_router_heard(&fetch->rt->router, fetch->transport, fetch->policy, &fetch->hop.url,
                          response->http))
        fetch->transport->ops->retire(fetch->exchange);
    if (response->status == 101)
        aggr_failure_set(&response->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "the server switched protocols unasked");
    if (fetch->policy->http == AGGR_POLICY_HTTP_2 && response->http != AGGR_HTTP_2)
        aggr_failure_set(&response->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "the server does not speak HTTP/2");
    if (response->http == AGGR_HTTP_2 && !may_be_http2(fetch))
        aggr_failure_set(&response->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "the server answered in HTTP/2, which was not agreed on");
    if (fetch->redirects_max > 0)
        fetch->location = aggr_hop_location(response, &fetch->location_len);
    return response->failure.code == AGGR_OK;
}

static void on_heard(struct aggr_sink *sink)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(sink, struct aggr_fetch, sink);
    note(fetch);
    if (fetch->limits.idle_timeout_ns != AGGR_NEVER)
        aggr_limits_heard(&fetch->limits, instant_of(fetch));
}

static bool on_data(struct aggr_sink *sink, const char *bytes, size_t len)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(sink, struct aggr_fetch, sink);
    on_heard(sink);
    if (!fetch->location) {
        bool is_good = aggr_response_data(&fetch->response, bytes, len);
        aggr_fetch_hold(fetch, fetch->response.head.len + fetch->response.body.len);
        return is_good;
    }
    fetch->redirect_body += len;
    return fetch->redirect_body <= REDIRECT_BODY_MAX;
}

static const struct aggr_sink_ops sink_ops = {
    .on_connected = on_connected,
    .on_redial = on_redial,
    .on_heard = on_heard,
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
};

static void prepare_request(struct aggr_fetch *fetch)
{
    struct aggr_hop *hop = &fetch->hop;
    fetch->request = (struct aggr_exchange_request){
        .method = hop->method,
        .url = &hop->url,
        .headers = hop->headers.data,
        .headers_len = hop->headers.len,
        .body = hop->has_body ? hop->body.data : NULL,
        .body_len = hop->body.len,
        .policy = fetch->policy,
        .route = &fetch->route,
        .answer = fetch->answer,
        .connect_timeout_ns = fetch->limits.connect_timeout_ns,
        .doer = fetch->doer,
    };
}

static void on_granted(struct aggr_waiter *waiter)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(waiter, struct aggr_fetch, waiter);
    struct aggr_transport *transport = fetch->transport;
    struct aggr_failure why = {0};
    uint64_t now_ns = instant_of(fetch);
    enter(fetch, AGGR_FETCH_CONNECT, now_ns);
    aggr_limits_resume(&fetch->limits, now_ns);
    prepare_request(fetch);
    aggr_router_make_room(&fetch->rt->router, transport);
    fetch->exchange = transport->ops->start(transport, &fetch->request, &fetch->sink, &why);
    aggr_gate_limit(fetch->rt->gate, aggr_router_permits(&fetch->rt->router));
    if (fetch->exchange) {
        aggr_backlog_enter(fetch);
        fetch->served_by = transport->ops->name;
        aggr_fetch_arm(fetch);
        return;
    }
    give_back(fetch);
    fail(fetch, &why);
}

/* The time-outs stand still until the permit is there. */
static void enter_queue(struct aggr_fetch *fetch, uint64_t now_ns)
{
    const char *socket = fetch->route.unix_socket;
    aggr_timer_stop(&fetch->rt->loop.timers, &fetch->timer);
    enter(fetch, AGGR_FETCH_QUEUE, now_ns);
    aggr_limits_pause(&fetch->limits, now_ns);
    aggr_gate_acquire(fetch->rt->gate, fetch->client, socket ? socket : fetch->hop.url.origin,
                      &fetch->waiter);
    aggr_runtime_pump(fetch->rt);
}

/* A failed look-up ends the fetch; else on to the queue. */
static void take_answer(struct aggr_fetch *fetch, struct aggr_answer *answer, uint64_t now_ns)
{
    fetch->answer = aggr_answer_retain(answer);
    if (answer->addresses) {
        enter_queue(fetch, now_ns);
        return;
    }
    struct aggr_failure why = {0};
    aggr_failure_set(&why, AGGR_ERR_DNS, AGGR_PHASE_DNS, "no address for %.100s: %s",
                     fetch->route.host, answer->why);
    fail(fetch, &why);
}

static void on_answer(struct aggr_query *query, struct aggr_answer *answer)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(query, struct aggr_fetch, query);
    note(fetch);
    take_answer(fetch, answer, now_of(fetch));
}

static void begin_hop(struct aggr_fetch *fetch, uint64_t now_ns)
{
    struct aggr_route *route = &fetch->route;
    aggr_answer_release(fetch->answer);
    fetch->answer = NULL;
    aggr_limits_begin_hop(&fetch->limits, now_ns);
    struct aggr_failure why = {0};
    fetch->transport = NULL;
    if (!aggr_policy_route(fetch->policy, &fetch->hop.url, route, &why))
        fetch->transport =
            aggr_router_choose(&fetch->rt->router, fetch->policy, &fetch->hop.url, route, &why);
    if (!fetch->transport) {
        fail(fetch, &why);
        return;
    }
    enter(fetch, AGGR_FETCH_DNS, now_ns);
    if (route->unix_socket || route->address || !fetch->transport->ops->looks_up) {
        enter_queue(fetch, now_ns);
        return;
    }
    struct aggr_ledger *ledger = &fetch->rt->loop.ledger;
    const void *before = aggr_ledger_act_for(ledger, fetch->doer);
    struct aggr_answer *answer = aggr_lookup_start(fetch->rt->lookup, route->host, &fetch->query);
    aggr_ledger_act_for(ledger, before);
    if (answer)
        take_answer(fetch, answer, now_ns);
    else
        aggr_fetch_arm(fetch);
}

static enum aggr_phase phase_of(struct aggr_fetch *fetch)
{
    if (fetch->exchange)
        return fetch->transport->ops->phase(fetch->exchange);
    return fetch->state == AGGR_FETCH_DNS ? AGGR_PHASE_DNS : AGGR_PHASE_QUEUE;
}

/* A long request is not silence: what it sends shows in the phase only, so each look counts. */
static bool is_writing(struct aggr_fetch *fetch, uint64_t now_ns, enum aggr_phase phase)
{
    if (phase != AGGR_PHASE_WRITE || now_ns >= fetch->limits.active_due_ns)
        return false;
    aggr_limits_heard(&fetch->limits, now_ns);
    return true;
}

static void on_due(struct aggr_timer *timer)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(timer, struct aggr_fetch, timer);
    uint64_t now_ns = now_of(fetch);
    enum aggr_phase phase = phase_of(fetch);
    if (now_ns < aggr_limits_due(&fetch->limits) || is_writing(fetch, now_ns, phase)) {
        aggr_fetch_arm(fetch);
        return;
    }
    note(fetch);
    struct aggr_failure why = {0};
    aggr_limits_describe(&fetch->limits, now_ns, phase, fetch->state_ns, fetch->route.host, &why);
    stop(fetch);
    fail(fetch, &why);
}

void aggr_fetch_drive(struct aggr_fetch *fetch)
{
    struct aggr_runtime *rt = fetch->rt;
    rt->fetches++;
    fetch->doer = rt->loop.ledger.doer;
    aggr_ledger_made(&rt->loop.ledger, AGGR_LEDGER_REQUESTS, (uintptr_t)fetch, 1, NULL);
    aggr_trace_emit(rt->trace, AGGR_TRACE_EXCHANGE_START, fetch->id);
    fetch->timer.rank = AGGR_TIMER_PLAIN;
    fetch->timer.on_due = on_due;
    fetch->query.on_answer = on_answer;
    fetch->waiter.on_granted = on_granted;
    fetch->sink.ops = &sink_ops;
    fetch->begun_ns = now_of(fetch);
    aggr_limits_begin(&fetch->limits, fetch->begun_ns);
    if (fetch->response.failure.code)
        finish(fetch);
    else
        begin_hop(fetch, fetch->begun_ns);
}

void aggr_fetch_halt(struct aggr_fetch *fetch)
{
    stop(fetch);
    end(fetch);
}
