#include "task/spots.h"
#include "base/clock.h"
#include <limits.h>
#include <sys/resource.h>

/* One in so many ns on the CPU is work at least, however many others want it. */
enum { STARVED_LEAST = 20 };

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (uint64_t)now.tv_sec * AGGR_NS_PER_S + (uint64_t)now.tv_nsec;
}

long aggr_spots_preemptions(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw - usage.ru_nvcsw : 0;
}

void aggr_spots_begin(struct aggr_spots *spots, uint64_t now_ns)
{
    spots->mark_ns = now_ns;
    spots->cpu_ns = read_clock(spots->cpu_clock);
    spots->preemptions = LONG_MIN;
    spots->count = spots->last = 0;
}

static struct aggr_spot *find(struct aggr_spots *spots, const struct aggr_place *place)
{
    int i = 0;
    while (i < spots->count && !aggr_place_equal(&spots->list[i].place, place))
        i++;
    if (i == AGGR_SPOTS_MAX)
        i--; /* places enough: the rest is one */
    if (i == spots->count)
        spots->list[spots->count++] = (struct aggr_spot){.place = *place};
    spots->last = i;
    return &spots->list[i];
}

const struct aggr_place *aggr_spots_last(const struct aggr_spots *spots)
{
    return spots->count > 0 ? &spots->list[spots->last].place : NULL;
}

void aggr_spots_spend(struct aggr_spots *spots, const struct aggr_place *place, uint64_t now_ns,
                      long preemptions)
{
    static const struct aggr_place nowhere;
    if (!place)
        place = spots->count > 0 ? &spots->list[spots->last].place : &nowhere;
    struct aggr_spot *spot = find(spots, place);
    uint64_t cpu_ns = read_clock(spots->cpu_clock);
    spot->wall_ns += now_ns - spots->mark_ns;
    spot->cpu_ns += cpu_ns - spots->cpu_ns;
    if (spots->preemptions != LONG_MIN)
        spot->preemptions += preemptions - spots->preemptions;
    spots->mark_ns = now_ns;
    spots->cpu_ns = cpu_ns;
    spots->preemptions = preemptions;
}

void aggr_spots_looked(struct aggr_spots *spots, bool in_lua)
{
    spots->list[spots->last].looks++;
    spots->list[spots->last].in_lua += in_lua;
}

void aggr_spots_describe(const struct aggr_spots *spots, struct aggr_stall *stall)
{
    const struct aggr_spot *most = spots->list;
    uint64_t all_ns = 0;
    for (int i = 0; i < spots->count; i++) {
        all_ns += spots->list[i].wall_ns;
        if (spots->list[i].wall_ns > most->wall_ns)
            most = &spots->list[i];
    }
    stall->place = most->place;
    /* Who waits is made to wait for the CPU now and then as well, but hardly uses it. */
    bool starved = most->preemptions > 0 && most->cpu_ns * STARVED_LEAST >= most->wall_ns;
    stall->busy = most->cpu_ns * 2 >= most->wall_ns || starved || most->in_lua * 2 > most->looks;
    stall->mostly = most->wall_ns * 10 < all_ns * 9;
}
