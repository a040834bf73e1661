/* virtual.h -- a clock for tests that jumps to the next timer when nothing is in flight. */
#pragma once
#include "base/clock.h"

struct virtual_clock {
    struct aggr_clock clock;
    uint64_t now_ns;
};

static uint64_t virtual_now(struct aggr_clock *self)
{
    return ((struct virtual_clock *)self)->now_ns;
}

static int virtual_jump(struct aggr_clock *self, uint64_t due_ns)
{
    ((struct virtual_clock *)self)->now_ns = due_ns;
    return 1;
}

static double virtual_wall(struct aggr_clock *self)
{
    return (double)virtual_now(self) / 1e9;
}

static inline struct virtual_clock virtual_clock_at(uint64_t now_ns)
{
    return (struct virtual_clock){
        {.monotonic_ns = virtual_now, .wall_s = virtual_wall, .jump = virtual_jump}, now_ns};
}
