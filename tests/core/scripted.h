/* scripted.h -- a transport for tests: each path of http://script/ behaves as its name says, on the
 * runtime's timers. Counts what is in flight. */
#pragma once
#include "base/mem.h"
#include "io/runtime.h"
#include <string.h>

/* What happens, and when after the start; a NULL head or body is skipped. */
struct script {
    const char *path; /* up to its end or '?' */
    uint64_t connect_ms, head_ms, body_ms, end_ms;
    const char *head, *body; /* the head without its last CR LF */
    int err;                 /* an AGGR_ERR_ at the end */
};

struct scripted {
    struct aggr_transport transport;
    struct aggr_loop *loop;
    const struct script *scripts; /* ends with a NULL path */
    unsigned in_flight, peak, started, cancelled;
    char last[2048]; /* "METHOD url\nheaders\nbody" of the last request */
};

struct aggr_exchange {
    struct scripted *scripted;
    struct aggr_sink *sink;
    const struct script *script;
    struct aggr_timer timer;
    uint64_t begun_ns;
    int step;
    bool refused;
};

static const struct script *scripted_find(const struct scripted *self, const char *target)
{
    const struct script *script = self->scripts;
    size_t len = strcspn(target, "?");
    while (script->path && (strlen(script->path) != len || memcmp(script->path, target, len) != 0))
        script++;
    AGGR_CHECK(script->path);
    return script;
}

static void scripted_next(struct aggr_exchange *exchange)
{
    const struct script *script = exchange->script;
    const uint64_t at_ms[] = {script->connect_ms, script->head_ms, script->body_ms, script->end_ms};
    uint64_t due_ns = exchange->begun_ns + at_ms[exchange->step] * AGGR_NS_PER_MS;
    aggr_timer_start(&exchange->scripted->loop->timers, &exchange->timer, due_ns);
}

static void scripted_drop(struct aggr_exchange *exchange)
{
    aggr_timer_stop(&exchange->scripted->loop->timers, &exchange->timer);
    exchange->scripted->in_flight--;
    free(exchange);
}

static void scripted_end(struct aggr_exchange *exchange)
{
    struct aggr_sink *sink = exchange->sink;
    struct aggr_end end = {0};
    if (exchange->refused)
        end.failure.code = AGGR_ERR_CANCELLED;
    else if (exchange->script->err)
        aggr_failure_set(&end.failure, (enum aggr_err)exchange->script->err, AGGR_PHASE_WAIT,
                         "scripted");
    scripted_drop(exchange);
    sink->ops->on_end(sink, &end);
}

static void scripted_on_due(struct aggr_timer *timer)
{
    struct aggr_exchange *exchange = AGGR_LIST_ENTRY(timer, struct aggr_exchange, timer);
    const struct script *script = exchange->script;
    struct aggr_sink *sink = exchange->sink;
    char head[2048];
    switch (exchange->step++) {
    case 0:
        sink->ops->on_connected(sink);
        break;
    case 1:
        snprintf(head, sizeof head, "%s\r\n", script->head ? script->head : "");
        exchange->refused = script->head && !sink->ops->on_head(sink, head, strlen(head));
        break;
    case 2:
        if (!exchange->refused && script->body)
            exchange->refused = !sink->ops->on_data(sink, script->body, strlen(script->body));
        break;
    default:
        scripted_end(exchange);
        return;
    }
    scripted_next(exchange);
}

static struct aggr_exchange *scripted_start(struct aggr_transport *transport,
                                            const struct aggr_exchange_request *request,
                                            struct aggr_sink *sink, struct aggr_failure *failure)
{
    struct scripted *self = (struct scripted *)transport;
    struct aggr_exchange *exchange = aggr_mem_new(1, sizeof *exchange);
    (void)failure;
    exchange->scripted = self;
    exchange->sink = sink;
    exchange->script = scripted_find(self, request->url->target);
    exchange->timer.rank = AGGR_TIMER_PLAIN;
    exchange->timer.on_due = scripted_on_due;
    exchange->begun_ns = aggr_loop_now(self->loop);
    self->started++;
    if (++self->in_flight > self->peak)
        self->peak = self->in_flight;
    snprintf(self->last, sizeof self->last, "%s %s\n%.*s\n%.*s", request->method,
             request->url->text, (int)request->headers_len, request->headers,
             (int)request->body_len, request->body ? request->body : "");
    scripted_next(exchange);
    return exchange;
}

static void scripted_cancel(struct aggr_exchange *exchange)
{
    exchange->scripted->cancelled++;
    scripted_drop(exchange);
}

static bool scripted_pause(struct aggr_exchange *exchange, bool on)
{
    (void)exchange, (void)on;
    return false;
}

static enum aggr_phase scripted_phase(struct aggr_exchange *exchange)
{
    static const enum aggr_phase phases[] = {AGGR_PHASE_CONNECT, AGGR_PHASE_WAIT, AGGR_PHASE_BODY,
                                             AGGR_PHASE_BODY};
    return phases[exchange->step];
}

static unsigned scripted_connections(struct aggr_transport *transport)
{
    return ((struct scripted *)transport)->in_flight;
}

static void scripted_free(struct aggr_transport *transport)
{
    (void)transport;
}

static const struct aggr_transport_ops scripted_ops = {
    .name = "scripted",
    .start = scripted_start,
    .cancel = scripted_cancel,
    .pause = scripted_pause,
    .phase = scripted_phase,
    .connections = scripted_connections,
    .free = scripted_free,
    .looks_up = false,
};
