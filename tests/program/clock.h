/* clock.h -- a clock that stands still until nothing is runnable or in flight, then jumps to the
 * next timer. */
#pragma once
#include "base/clock.h"

struct aggr_testing_clock {
    struct aggr_clock clock;
    uint64_t now_ns;
    double wall_offset_s; /* stepped by tests */
};

void aggr_testing_clock_init(struct aggr_testing_clock *clock);
