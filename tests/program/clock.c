#include "clock.h"
#include "base/list.h"

static struct aggr_testing_clock *of(struct aggr_clock *clock)
{
    return AGGR_LIST_ENTRY(clock, struct aggr_testing_clock, clock);
}

static uint64_t monotonic_ns(struct aggr_clock *clock)
{
    return of(clock)->now_ns;
}

static double wall_s(struct aggr_clock *clock)
{
    return 1.7e9 + of(clock)->wall_offset_s + (double)of(clock)->now_ns / (double)AGGR_NS_PER_S;
}

static int jump(struct aggr_clock *clock, uint64_t due_ns)
{
    of(clock)->now_ns = due_ns;
    return 1;
}

void aggr_testing_clock_init(struct aggr_testing_clock *clock)
{
    *clock = (struct aggr_testing_clock){
        .clock = {.monotonic_ns = monotonic_ns, .wall_s = wall_s, .jump = jump},
        .now_ns = 1000 * AGGR_NS_PER_S,
    };
}
