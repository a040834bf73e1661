/* clock.h -- where time comes from: a pair of functions, so that tests can stand in for both. */
#pragma once
#include <stdint.h>

#define AGGR_NS_PER_S 1000000000ull
#define AGGR_NS_PER_MS 1000000ull
#define AGGR_NEVER UINT64_MAX /* a due time that does not come */

struct aggr_clock {
    uint64_t (*monotonic_ns)(struct aggr_clock *self); /* CLOCK_MONOTONIC, never goes back */
    double (*wall_s)(struct aggr_clock *self);         /* seconds since 1970, CLOCK_REALTIME */
    /* Nothing is runnable or in flight and the next timer is due at `due_ns`: a virtual clock jumps
     * there and returns 1; the real one has NULL here and the loop waits. */
    int (*jump)(struct aggr_clock *self, uint64_t due_ns);
};

extern struct aggr_clock aggr_clock_system;

/* `now_ns` + `seconds`, saturating at AGGR_NEVER; negative or NaN counts as 0. */
uint64_t aggr_clock_after(uint64_t now_ns, double seconds);
