/* slice.h -- when the running task was entered: written by the scheduler's thread around each
 * lua_resume, read by the watchdog's. A slice is the time from one to the other.
 */
#pragma once
#include "base/clock.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct aggr_look;

struct aggr_slice {
    _Atomic uint64_t entered_ns; /* CLOCK_MONOTONIC; 0: no task runs */
    _Atomic uint64_t number;     /* of the slice, from 1 */
    _Atomic uint64_t noticed;    /* the last slice that on_noticed is to be called for */
    struct aggr_look *look;
    void (*on_noticed)(struct aggr_slice *self); /* when that one ends, inside of it still */
    bool has_stalled; /* a noticed one has ended; the next turn tells what has waited for it */
    void (*before_turn)(struct aggr_slice *self);
    void (*after_turn)(struct aggr_slice *self);
};

static inline uint64_t aggr_slice_clock(void)
{
    return aggr_clock_system.monotonic_ns(&aggr_clock_system);
}

static inline void aggr_slice_enter(struct aggr_slice *slice)
{
    uint64_t number = atomic_load_explicit(&slice->number, memory_order_relaxed);
    atomic_store_explicit(&slice->number, number + 1, memory_order_release);
    atomic_store_explicit(&slice->entered_ns, aggr_slice_clock(), memory_order_release);
}

static inline void aggr_slice_leave(struct aggr_slice *slice)
{
    if (atomic_load_explicit(&slice->noticed, memory_order_acquire) ==
        atomic_load_explicit(&slice->number, memory_order_relaxed))
        slice->on_noticed(slice);
    atomic_store_explicit(&slice->entered_ns, 0, memory_order_release);
}
