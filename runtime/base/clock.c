#include "base/clock.h"
#include <stddef.h>
#include <time.h>

static uint64_t monotonic_ns(struct aggr_clock *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * AGGR_NS_PER_S + (uint64_t)now.tv_nsec;
}

static double wall_s(struct aggr_clock *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct aggr_clock aggr_clock_system = {monotonic_ns, wall_s, NULL};

uint64_t aggr_clock_after(uint64_t now_ns, double seconds)
{
    if (!(seconds > 0))
        return now_ns;
    double span_ns = seconds * 1e9;
    if (span_ns >= 1.8e19) /* just below 2^64 */
        return AGGR_NEVER;
    uint64_t due_ns = now_ns + (uint64_t)span_ns;
    return due_ns < now_ns ? AGGR_NEVER : due_ns;
}
