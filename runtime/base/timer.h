/* timer.h -- a heap of due times in ns. Pure data: it reads no clock and calls only from
 * aggr_timers_fire. A struct of zeroes is an empty heap.
 *
 * Borrows each timer from start until it fires or is stopped.
 *
 *   {0} -> start -> (fired | stop) -> start ...
 */
#pragma once
#include "base/err.h"
#include "base/ledger.h"
#include <stdbool.h>
#include <stdint.h>

/* Among timers due at one instant the lower rank goes first, then the one started first: a scope's
 * deadline has its depth as rank (outermost first), everything else AGGR_TIMER_PLAIN. */
#define AGGR_TIMER_PLAIN UINT32_MAX

struct aggr_timer {
    uint64_t due_ns;
    uint64_t seq; /* set by start */
    size_t slot;  /* 1-based place in heap or batch; 0 = not started */
    uint32_t rank;
    bool background; /* nobody waits for it (R27); not to be changed while it is started */
    void (*on_due)(struct aggr_timer *self); /* already stopped; may start and stop any timer */
};

struct aggr_timers {
    struct aggr_timer **heap; /* owned array of borrowed timers */
    size_t len, cap, background;
    struct aggr_timer **batch; /* owned array: those aggr_timers_fire is about to fire */
    size_t batch_len, batch_cap;
    uint64_t seq;
    struct aggr_ledger *ledger; /* borrowed; NULL: nobody counts */
};

void aggr_timers_deinit(struct aggr_timers *timers);

/* Start, or move when already started. AGGR_NEVER just stops it. */
void aggr_timer_start(struct aggr_timers *timers, struct aggr_timer *timer, uint64_t due_ns);

/* Idempotent. */
void aggr_timer_stop(struct aggr_timers *timers, struct aggr_timer *timer);

static inline bool aggr_timer_active(const struct aggr_timer *timer)
{
    return timer->slot != 0;
}

/* Due time of the first in the heap, AGGR_NEVER when there is none. */
uint64_t aggr_timers_next(const struct aggr_timers *timers);

/* Does somebody wait for one of those in the heap? */
static inline bool aggr_timers_awaited(const struct aggr_timers *timers)
{
    return timers->len > timers->background;
}

/* Fire all due at `now_ns`, in order; those started meanwhile wait for the next call, those
 * stopped meanwhile do not fire. Returns how many. Not to be nested. */
size_t aggr_timers_fire(struct aggr_timers *timers, uint64_t now_ns);
