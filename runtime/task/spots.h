/* spots.h -- the places that a slice was seen at, and the time spent there: which one a stall is
 * blamed on, and was it work or waiting?
 *
 * Plain data. The clock is that of the loop's thread, which may be read from others too.
 *
 *   begin -> (spend -> looked?)* -> describe
 */
#pragma once
#include "task/place.h"
#include "task/stall.h"
#include <stdint.h>
#include <time.h>

enum { AGGR_SPOTS_MAX = 8 };

struct aggr_spots {
    clockid_t cpu_clock;
    uint64_t mark_ns, cpu_ns; /* up to when all time is accounted for, and the CPU time then */
    long preemptions;         /* then; LONG_MIN: not known */
    struct aggr_spot {
        struct aggr_place place;
        uint64_t wall_ns, cpu_ns;
        long preemptions;  /* above zero: what it did not get of the CPU, others got */
        int looks, in_lua; /* how often it was seen there, and was running Lua code */
    } list[AGGR_SPOTS_MAX];
    int count, last;
};

/* How often the calling thread was made to wait for the CPU, less how often it has waited for
 * something else. */
long aggr_spots_preemptions(void);

void aggr_spots_begin(struct aggr_spots *spots, uint64_t now_ns);

/* The time since the last mark was spent at `place`; NULL: where the time before was. `preemptions`
 * is the loop thread's count. */
void aggr_spots_spend(struct aggr_spots *spots, const struct aggr_place *place, uint64_t now_ns,
                      long preemptions);

/* It was seen at the last place. */
void aggr_spots_looked(struct aggr_spots *spots, bool in_lua);

/* The last place, or NULL. */
const struct aggr_place *aggr_spots_last(const struct aggr_spots *spots);

/* Fills in place, busy and mostly: of where most of the time went. */
void aggr_spots_describe(const struct aggr_spots *spots, struct aggr_stall *stall);
