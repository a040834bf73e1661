/* stall.h -- what is told of stalls, through two functions of the library: at their end, and after
 * the turn of the loop that shows which fetches have waited for them.
 *
 *   init -> (add+ -> before_turn -> after_turn)*
 */
#pragma once
#include "io/late.h"
#include "task/place.h"

struct aggr_runtime;
struct aggr_sched;

struct aggr_stall {
    double seconds;
    bool busy;   /* it took CPU time; otherwise it was blocked */
    bool mostly; /* it was at other places as well */
    bool killed; /* for it */
    struct aggr_place place;
};

struct aggr_stalls {
    struct aggr_runtime *runtime; /* borrowed */
    struct aggr_sched *sched;     /* borrowed */
    struct aggr_late late;
};

void aggr_stalls_init(struct aggr_stalls *stalls, struct aggr_runtime *runtime,
                      struct aggr_sched *sched);

/* Of the current task, when it has been left. */
void aggr_stalls_add(struct aggr_stalls *stalls, const struct aggr_stall *stall);

void aggr_stalls_before_turn(struct aggr_stalls *stalls);
void aggr_stalls_after_turn(struct aggr_stalls *stalls);
