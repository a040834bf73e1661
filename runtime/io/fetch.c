#include "io/fetch.h"
#include "base/mem.h"
#include "io/hop.h"
#include "io/limits.h"
#include <string.h>

/* How much of a redirect's own body is read so that its connection can be used again. */
enum { REDIRECT_BODY_MAX = 64 * 1024 };

enum state { NEW, DNS, QUEUE, CONNECT, WAIT, BODY, ENDED };

struct aggr_fetch {
    struct aggr_runtime *rt;
    void (*on_end)(struct aggr_fetch *fetch, void *owner);
    void *owner;
    const struct aggr_policy *policy;
    struct aggr_gate_client *client;
    enum state state;
    uint64_t id;

    struct aggr_hop hop;
    struct aggr_route route;
    struct aggr_query query;    /* waiting in DNS */
    struct aggr_answer *answer; /* a reference, or NULL */
    struct aggr_waiter waiter;  /* queued in QUEUE, granted after it */
    struct aggr_exchange_request request;
    struct aggr_sink sink;
    struct aggr_exchange *exchange; /* from CONNECT to BODY */
    struct aggr_response response;
    const char *location; /* within the response's head, when it is a redirect to be followed */
    size_t location_len, redirect_body;
    unsigned redirects, redirects_max;

    struct aggr_limits limits;
    struct aggr_timer timer;     /* due at the first limit, or earlier: see arm */
    uint64_t begun_ns, state_ns; /* when the fetch, the state began */
    struct aggr_fetch_timing timing;
    struct aggr_failure failure;
    char *given_url; /* owned; where it could not be parsed */
};

/* Account for the time spent in the state that ends now. */
static void enter(struct aggr_fetch *fetch, enum state state, uint64_t now_ns)
{
    struct aggr_fetch_timing *timing = &fetch->timing;
    uint64_t *const spent[] = {
        [DNS] = &timing->dns,   [QUEUE] = &timing->queue, [CONNECT] = &timing->connect,
        [WAIT] = &timing->wait, [BODY] = &timing->body,
    };
    if (fetch->state > NEW && fetch->state < ENDED)
        *spent[fetch->state] += now_ns - fetch->state_ns;
    fetch->state = state;
    fetch->state_ns = now_ns;
}

static uint64_t now_of(struct aggr_fetch *fetch)
{
    return aggr_loop_now(&fetch->rt->loop);
}

/* The limit moves away while the timer stays: it may fire early and is set again then. */
static void arm(struct aggr_fetch *fetch)
{
    uint64_t due_ns = aggr_limits_due(&fetch->limits);
    if (!aggr_timer_active(&fetch->timer) || due_ns < fetch->timer.due_ns)
        aggr_timer_start(&fetch->rt->loop.timers, &fetch->timer, due_ns);
}

/* Ends whatever is under way, in the same turn; no callback of it comes any more. */
static void stop(struct aggr_fetch *fetch)
{
    struct aggr_runtime *rt = fetch->rt;
    aggr_timer_stop(&rt->loop.timers, &fetch->timer);
    if (fetch->state == DNS)
        aggr_lookup_cancel(&fetch->query);
    if (fetch->exchange)
        rt->transport->ops->cancel(fetch->exchange);
    fetch->exchange = NULL;
    if (fetch->state == QUEUE)
        aggr_gate_withdraw(rt->gate, &fetch->waiter);
    else if (aggr_waiter_granted(&fetch->waiter))
        aggr_gate_release(rt->gate, &fetch->waiter);
    aggr_runtime_pump_soon(rt);
}

static void end(struct aggr_fetch *fetch)
{
    struct aggr_runtime *rt = fetch->rt;
    uint64_t now_ns = now_of(fetch);
    aggr_timer_stop(&rt->loop.timers, &fetch->timer);
    enter(fetch, ENDED, now_ns);
    fetch->timing.total = now_ns - fetch->begun_ns;
    rt->fetches--;
    aggr_trace_emit(rt->trace, AGGR_TRACE_EXCHANGE_END, fetch->id);
}

static void finish(struct aggr_fetch *fetch)
{
    end(fetch);
    fetch->on_end(fetch, fetch->owner);
}

static void fail(struct aggr_fetch *fetch, const struct aggr_failure *failure)
{
    fetch->failure = *failure;
    finish(fetch);
}

static void begin_hop(struct aggr_fetch *fetch, uint64_t now_ns);

/* The exchange is over: the permit goes back first, whatever comes next. */
static void give_back(struct aggr_fetch *fetch)
{
    struct aggr_gate *gate = fetch->rt->gate;
    aggr_gate_release(gate, &fetch->waiter);
    aggr_gate_pump(gate);
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
    aggr_response_deinit(&fetch->response);
    aggr_response_init(&fetch->response, strcmp(fetch->hop.method, "HEAD") == 0, max_body_bytes);
    fetch->location = NULL;
    fetch->redirect_body = 0;
    begin_hop(fetch, now_of(fetch));
}

static void on_end(struct aggr_sink *sink, const struct aggr_end *ended)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(sink, struct aggr_fetch, sink);
    struct aggr_response *response = &fetch->response;
    bool ours = ended->failure.code == AGGR_ERR_CANCELLED; /* on_head or on_data wanted no more */
    fetch->exchange = NULL;
    uint64_t tls_ns = ended->tls_ns < fetch->timing.connect ? ended->tls_ns : 0;
    fetch->timing.tls += tls_ns;
    fetch->timing.connect -= tls_ns;
    give_back(fetch);
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
    if (fetch->state != CONNECT)
        return; /* a retry on a new connection */
    uint64_t now_ns = now_of(fetch);
    enter(fetch, WAIT, now_ns);
    aggr_limits_connected(&fetch->limits, now_ns);
    arm(fetch);
}

static bool on_head(struct aggr_sink *sink, const char *bytes, size_t len)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(sink, struct aggr_fetch, sink);
    struct aggr_response *response = &fetch->response;
    uint64_t now_ns = now_of(fetch);
    aggr_limits_heard(&fetch->limits, now_ns);
    enter(fetch, BODY, now_ns);
    if (!aggr_response_head(response, bytes, len))
        return false;
    if (response->status == 101)
        aggr_failure_set(&response->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "the server switched protocols unasked");
    if (fetch->policy->http == AGGR_POLICY_HTTP_2 && response->http != AGGR_HTTP_2)
        aggr_failure_set(&response->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "the server does not speak HTTP/2");
    if (fetch->redirects_max > 0)
        fetch->location = aggr_hop_location(response, &fetch->location_len);
    return response->failure.code == AGGR_OK;
}

static bool on_data(struct aggr_sink *sink, const char *bytes, size_t len)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(sink, struct aggr_fetch, sink);
    if (fetch->limits.idle_timeout_ns != AGGR_NEVER)
        aggr_limits_heard(&fetch->limits, now_of(fetch));
    if (!fetch->location)
        return aggr_response_data(&fetch->response, bytes, len);
    fetch->redirect_body += len;
    return fetch->redirect_body <= REDIRECT_BODY_MAX;
}

static const struct aggr_sink_ops sink_ops = {
    .on_connected = on_connected,
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
    };
}

static void on_granted(struct aggr_waiter *waiter)
{
    struct aggr_fetch *fetch = AGGR_LIST_ENTRY(waiter, struct aggr_fetch, waiter);
    struct aggr_transport *transport = aggr_runtime_transport(fetch->rt);
    struct aggr_failure why = {0};
    uint64_t now_ns = now_of(fetch);
    enter(fetch, CONNECT, now_ns);
    aggr_limits_resume(&fetch->limits, now_ns);
    prepare_request(fetch);
    fetch->exchange = transport->ops->start(transport, &fetch->request, &fetch->sink, &why);
    if (fetch->exchange) {
        arm(fetch);
        return;
    }
    give_back(fetch);
    fail(fetch, &why);
}

/* The time-outs stand still until the permit is there. */
static void enter_queue(struct aggr_fetch *fetch, uint64_t now_ns)
{
    struct aggr_gate *gate = fetch->rt->gate;
    const char *socket = fetch->route.unix_socket;
    aggr_timer_stop(&fetch->rt->loop.timers, &fetch->timer);
    enter(fetch, QUEUE, now_ns);
    aggr_limits_pause(&fetch->limits, now_ns);
    aggr_gate_acquire(gate, fetch->client, socket ? socket : fetch->hop.url.origin, &fetch->waiter);
    aggr_gate_pump(gate);
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
    take_answer(fetch, answer, now_of(fetch));
}

static void begin_hop(struct aggr_fetch *fetch, uint64_t now_ns)
{
    const struct aggr_transport *transport = aggr_runtime_transport(fetch->rt);
    struct aggr_route *route = &fetch->route;
    aggr_answer_release(fetch->answer);
    fetch->answer = NULL;
    aggr_limits_begin_hop(&fetch->limits, now_ns);
    aggr_policy_route(fetch->policy, &fetch->hop.url, route);
    enter(fetch, DNS, now_ns);
    if (route->unix_socket || route->address || !transport->ops->looks_up) {
        enter_queue(fetch, now_ns);
        return;
    }
    struct aggr_answer *answer = aggr_lookup_start(fetch->rt->lookup, route->host, &fetch->query);
    if (answer)
        take_answer(fetch, answer, now_ns);
    else
        arm(fetch);
}

static enum aggr_phase phase_of(struct aggr_fetch *fetch)
{
    if (fetch->exchange)
        return fetch->rt->transport->ops->phase(fetch->exchange);
    return fetch->state == DNS ? AGGR_PHASE_DNS : AGGR_PHASE_QUEUE;
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
        arm(fetch);
        return;
    }
    struct aggr_failure why = {0};
    aggr_limits_describe(&fetch->limits, now_ns, phase, fetch->state_ns, fetch->route.host, &why);
    stop(fetch);
    fail(fetch, &why);
}

struct aggr_fetch *aggr_fetch_new(struct aggr_runtime *rt, const struct aggr_fetch_request *request,
                                  void (*on_fetch_end)(struct aggr_fetch *fetch, void *owner),
                                  void *owner)
{
    struct aggr_fetch *fetch = aggr_mem_new(1, sizeof *fetch);
    fetch->rt = rt;
    fetch->on_end = on_fetch_end;
    fetch->owner = owner;
    fetch->policy = request->policy;
    fetch->client = request->client;
    fetch->redirects_max = request->redirects;
    fetch->limits.timeout_ns = request->timeout_ns;
    fetch->limits.connect_timeout_ns = request->connect_timeout_ns;
    fetch->limits.idle_timeout_ns = request->idle_timeout_ns;
    fetch->timer.rank = AGGR_TIMER_PLAIN;
    fetch->timer.on_due = on_due;
    fetch->query.on_answer = on_answer;
    fetch->waiter.on_granted = on_granted;
    fetch->sink.ops = &sink_ops;
    fetch->id = ++rt->next_id;
    const struct aggr_hop_request hop = {
        .method = request->method,
        .url = request->url,
        .url_len = request->url_len,
        .headers = request->headers,
        .headers_len = request->headers_len,
        .body = request->body,
        .body_len = request->body_len,
    };
    aggr_response_init(&fetch->response, strcmp(request->method, "HEAD") == 0,
                       request->max_body_bytes);
    if (aggr_hop_init(&fetch->hop, &hop, &fetch->failure))
        fetch->given_url = strndup(request->url, request->url_len);
    return fetch;
}

void aggr_fetch_start(struct aggr_fetch *fetch)
{
    struct aggr_runtime *rt = fetch->rt;
    AGGR_CHECK(fetch->state == NEW);
    rt->fetches++;
    aggr_trace_emit(rt->trace, AGGR_TRACE_EXCHANGE_START, fetch->id);
    fetch->begun_ns = now_of(fetch);
    aggr_limits_begin(&fetch->limits, fetch->begun_ns);
    if (fetch->failure.code)
        finish(fetch);
    else
        begin_hop(fetch, fetch->begun_ns);
}

void aggr_fetch_cancel(struct aggr_fetch *fetch)
{
    if (fetch->state == NEW || fetch->state == ENDED)
        return;
    stop(fetch);
    end(fetch);
}

void aggr_fetch_free(struct aggr_fetch *fetch)
{
    AGGR_CHECK(fetch->state == NEW || fetch->state == ENDED);
    aggr_answer_release(fetch->answer);
    aggr_response_deinit(&fetch->response);
    aggr_hop_deinit(&fetch->hop);
    free(fetch->given_url);
    free(fetch);
}

const struct aggr_failure *aggr_fetch_failure(const struct aggr_fetch *fetch)
{
    return &fetch->failure;
}

struct aggr_response *aggr_fetch_response(struct aggr_fetch *fetch)
{
    return &fetch->response;
}

const char *aggr_fetch_url(const struct aggr_fetch *fetch)
{
    const char *given = fetch->given_url ? fetch->given_url : "";
    return fetch->hop.url.text ? fetch->hop.url.text : given;
}

const char *aggr_fetch_method(const struct aggr_fetch *fetch)
{
    return fetch->hop.method;
}

void aggr_fetch_timing(const struct aggr_fetch *fetch, struct aggr_fetch_timing *timing)
{
    *timing = fetch->timing;
}
