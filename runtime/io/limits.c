#include "io/limits.h"

static uint64_t later(uint64_t now_ns, uint64_t span_ns)
{
    return span_ns >= AGGR_NEVER - now_ns ? AGGR_NEVER : now_ns + span_ns;
}

static uint64_t left_of(uint64_t due_ns, uint64_t now_ns)
{
    if (due_ns == AGGR_NEVER)
        return AGGR_NEVER;
    return due_ns > now_ns ? due_ns - now_ns : 0;
}

void aggr_limits_begin(struct aggr_limits *limits, uint64_t now_ns)
{
    limits->active_due_ns = later(now_ns, limits->timeout_ns);
}

void aggr_limits_begin_hop(struct aggr_limits *limits, uint64_t now_ns)
{
    limits->connect_due_ns = later(now_ns, limits->connect_timeout_ns);
    limits->connected = false;
}

void aggr_limits_pause(struct aggr_limits *limits, uint64_t now_ns)
{
    limits->active_due_ns = left_of(limits->active_due_ns, now_ns);
    limits->connect_due_ns = left_of(limits->connect_due_ns, now_ns);
}

void aggr_limits_resume(struct aggr_limits *limits, uint64_t now_ns)
{
    limits->active_due_ns = later(now_ns, limits->active_due_ns);
    limits->connect_due_ns = later(now_ns, limits->connect_due_ns);
}

void aggr_limits_connected(struct aggr_limits *limits, uint64_t now_ns)
{
    limits->connected = true;
    limits->heard_ns = now_ns;
}

static uint64_t idle_due(const struct aggr_limits *limits)
{
    return later(limits->heard_ns, limits->idle_timeout_ns);
}

uint64_t aggr_limits_due(const struct aggr_limits *limits)
{
    uint64_t other_ns = limits->connected ? idle_due(limits) : limits->connect_due_ns;
    return other_ns < limits->active_due_ns ? other_ns : limits->active_due_ns;
}

/* "2.0 s", "150 ms". */
static const char *span(char out[32], uint64_t ns)
{
    if (ns < AGGR_NS_PER_S)
        snprintf(out, 32, "%.0f ms", (double)ns / 1e6);
    else
        snprintf(out, 32, "%.1f s", (double)ns / 1e9);
    return out;
}

void aggr_limits_describe(const struct aggr_limits *limits, uint64_t now_ns, enum aggr_phase phase,
                          uint64_t phase_ns, const char *host, struct aggr_failure *failure)
{
    char text[32];
    bool is_idle = limits->connected && now_ns < limits->active_due_ns;
    uint64_t limit_ns = limits->timeout_ns;
    if (!limits->connected && now_ns < limits->active_due_ns)
        limit_ns = limits->connect_timeout_ns;
    span(text, limit_ns);
    switch (phase) {
    case AGGR_PHASE_DNS:
        aggr_failure_set(failure, AGGR_ERR_TIMEOUT, phase, "no address for %.100s within %s", host,
                         text);
        return;
    case AGGR_PHASE_CONNECT:
        aggr_failure_set(failure, AGGR_ERR_TIMEOUT, phase, "no connection to %.100s within %s",
                         host, text);
        return;
    case AGGR_PHASE_TLS:
        aggr_failure_set(failure, AGGR_ERR_TIMEOUT, phase, "no TLS session with %.100s within %s",
                         host, text);
        return;
    case AGGR_PHASE_WRITE:
        aggr_failure_set(failure, AGGR_ERR_TIMEOUT, phase, "request not sent within %s", text);
        return;
    case AGGR_PHASE_BODY:
        if (!is_idle) {
            aggr_failure_set(failure, AGGR_ERR_TIMEOUT, phase, "body not complete within %s", text);
            return;
        }
        break;
    default:
        break;
    }
    uint64_t silent_ns = now_ns - (is_idle ? limits->heard_ns : phase_ns);
    limit_ns = is_idle ? limits->idle_timeout_ns : limits->timeout_ns;
    aggr_failure_set(failure, AGGR_ERR_TIMEOUT, phase, "no byte for %s",
                     span(text, silent_ns < limit_ns ? silent_ns : limit_ns));
}
