/* Whether a task that kept the loop worked or waited: by the CPU time of its thread, and by how
 * often others had the CPU in its place. */
#include "task/spots.h"
#include "base/clock.h"
#include "check.h"
#include <pthread.h>

enum { WALL_MS = 200 };

static const struct aggr_place place = {.where = "s.lua:1", .called = "io.read"};

/* A slice at one place that used the CPU for `share` of its time; `preemptions` in it. */
static struct aggr_stall slice(double share, long preemptions, bool in_lua)
{
    struct aggr_spots spots = {0};
    struct aggr_stall stall = {0};
    uint64_t wall_ns = WALL_MS * AGGR_NS_PER_MS;
    CHECK(pthread_getcpuclockid(pthread_self(), &spots.cpu_clock) == 0);
    aggr_spots_begin(&spots, 0);
    aggr_spots_spend(&spots, &place, 0, 0);
    aggr_spots_looked(&spots, in_lua);
    spots.list[0].cpu_ns = (uint64_t)(share * (double)wall_ns);
    aggr_spots_spend(&spots, &place, wall_ns, preemptions);
    aggr_spots_looked(&spots, in_lua);
    aggr_spots_describe(&spots, &stall);
    CHECK_STR(stall.place.called, "io.read");
    return stall;
}

int main(void)
{
    CHECK(slice(0.9, 0, false).busy);
    CHECK(slice(0.2, 5, false).busy);  /* others had the CPU */
    CHECK(!slice(0.2, 0, false).busy); /* it waited for something else */
    CHECK(!slice(0, 1, false).busy);   /* so did this one: it was only woken late */
    CHECK(slice(0, 0, true).busy);
    return check_report();
}
