/* limits.h -- the time-outs of a fetch, on a clock that stands still in the permit queue. Plain
 * data; instants and spans in ns, AGGR_NEVER = no limit.
 *
 *   begin -> (begin_hop -> (pause -> resume)* -> connected -> heard*)*
 */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include <stdbool.h>

struct aggr_limits {
    /* set by the caller */
    uint64_t timeout_ns;         /* active time of the whole fetch */
    uint64_t connect_timeout_ns; /* look-up to end of TLS, per hop */
    uint64_t idle_timeout_ns;    /* silence while waiting or reading */
    /* private */
    uint64_t active_due_ns, connect_due_ns; /* while paused: what is left */
    uint64_t heard_ns;
    bool connected;
};

void aggr_limits_begin(struct aggr_limits *limits, uint64_t now_ns);
void aggr_limits_begin_hop(struct aggr_limits *limits, uint64_t now_ns);
void aggr_limits_pause(struct aggr_limits *limits, uint64_t now_ns);
void aggr_limits_resume(struct aggr_limits *limits, uint64_t now_ns);
void aggr_limits_connected(struct aggr_limits *limits, uint64_t now_ns);

static inline void aggr_limits_heard(struct aggr_limits *limits, uint64_t now_ns)
{
    limits->heard_ns = now_ns;
}

/* When the first limit is reached, not while paused. It only moves away from one call to the next,
 * except after connected. */
uint64_t aggr_limits_due(const struct aggr_limits *limits);

/* Describe in `failure` (kind timeout) that a limit was reached in `phase`, which began at
 * `phase_ns`, on the way to `host`. */
void aggr_limits_describe(const struct aggr_limits *limits, uint64_t now_ns, enum aggr_phase phase,
                          uint64_t phase_ns, const char *host, struct aggr_failure *failure);
