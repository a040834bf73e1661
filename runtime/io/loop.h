/* loop.h -- the event loop: uv_loop_t, our timer heap on one uv timer, socket watches, wake-ups.
 *
 * Owns the uv handles and the heap; borrows clock, timers and watches.
 * Nothing here calls Lua. Not reentrant: turn is called by the scheduler alone.
 *
 *   init -> turn* -> deinit (checks that every uv handle has closed)
 */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "base/timer.h"
#include <stdbool.h>
#include <uv.h>

struct aggr_loop {
    uv_loop_t uv;
    uv_timer_t alarm;      /* wakes uv_run for the heap's first timer, rounded up to ms */
    uint64_t alarm_due_ns; /* what it was set for; it may be earlier than the heap's first by now */
    struct aggr_timers timers;
    struct aggr_ledger ledger; /* to be read after deinit, too */
    struct aggr_clock *clock;  /* borrowed */
    uint64_t instant_ns;       /* when the clock was read last */
    uint64_t polled_ns;        /* about when uv was run last */
    unsigned half_turns;       /* since then */
    unsigned in_flight; /* answers still to come from outside: a virtual clock must not jump */
};

enum aggr_err aggr_loop_init(struct aggr_loop *loop, struct aggr_clock *clock);

/* Runs the loop until every handle's close callback has been called. Returns the number of handles
 * that somebody left open (0 = no leak); each is closed all the same. */
unsigned aggr_loop_deinit(struct aggr_loop *loop);

/* The clock, read afresh, in ns. */
uint64_t aggr_loop_now(struct aggr_loop *loop);

/* The clock as it was read last, which it was for each event of a socket and for each turn's
 * timers: for what comes of one and has taken no time. */
static inline uint64_t aggr_loop_instant(const struct aggr_loop *loop)
{
    return loop->instant_ns;
}

/* One turn (R33): due timers in order, then I/O. Waits for the next event only when `may_wait`.
 * With a virtual clock that may jump (nothing in flight) it jumps in place of waiting. */
void aggr_loop_turn(struct aggr_loop *loop, bool may_wait);

/* The first half of a turn, for one in which there is no time to wait: I/O was looked at a moment
 * ago, and a look is a system call. False, and nothing was done: it is time for a whole one. */
bool aggr_loop_half_turn(struct aggr_loop *loop);

/* False when only the caller itself could ever make something happen again: nothing in flight, and
 * no timer but those in the background. */
bool aggr_loop_pending(const struct aggr_loop *loop);

/* Every uv timer callback but the alarm's calls this: uv_run runs timers before it polls, and would
 * go on to wait although the callback has made something runnable. */
void aggr_loop_stir(struct aggr_loop *loop);

/* A uv_poll on one descriptor for the socket's whole life (facts 6). Mask changes go to the kernel
 * only when they differ; an event while the mask is 0 stops the watch. */
struct aggr_watch {
    uv_poll_t poll;
    int mask;  /* UV_READABLE | UV_WRITABLE wanted now */
    int armed; /* what the kernel watches for; private */
    void (*on_event)(struct aggr_watch *self, int events, bool failed);
    void (*on_stopped)(struct aggr_watch *self); /* by an event while the mask is 0; may be NULL */
    void (*on_closed)(struct aggr_watch *self);  /* the caller frees it here, nowhere else */
};

enum aggr_err aggr_watch_init(struct aggr_loop *loop, struct aggr_watch *watch, int fd);
void aggr_watch_set(struct aggr_watch *watch, int mask);

/* Stops at once; the descriptor may be closed right after. on_closed comes from a later turn. */
void aggr_watch_close(struct aggr_watch *watch);
