/* watchdog.h -- a thread that looks after the one that runs the tasks: who keeps the loop for too
 * long is noticed and told of, then killed, and at last the process ends.
 *
 * Of the signals that it sends to the loop's thread while a task runs, SIGURG restarts system
 * calls; SIGVTALRM, which kills, does not, so that a blocked io.read returns. One per process.
 *
 *   start -> (stalls ...) -> (close) -> stop
 */
#pragma once
#include "task/look.h"
#include <stdbool.h>
#include <stdint.h>

struct aggr_runtime;
struct aggr_sched;
struct aggr_watchdog;

struct aggr_watchdog_options {
    uint64_t stall_ns; /* a task that keeps the loop for longer is told of; 0: none */
    uint64_t slice_ns; /* and then killed; 0: never */
    uint64_t hard_ns;  /* and then the process ends; 0: never */
    /* On the watchdog's thread, at the very end: prints what is left. Must not wait for long. */
    void (*on_hard_stall)(void *context, double seconds, const struct aggr_place *place);
    void *context;
};

/* From the thread that runs the tasks, which must have been made interruptible. NULL: no thread. */
struct aggr_watchdog *aggr_watchdog_start(struct aggr_runtime *runtime, struct aggr_sched *sched,
                                          const struct aggr_watchdog_options *options);

/* No task runs any more, but finalizers of scripts may, until stop. For them there is --hard-stall
 * only. NULL is fine, here and in stop. */
void aggr_watchdog_close(struct aggr_watchdog *self);
void aggr_watchdog_stop(struct aggr_watchdog *self);

/* Whether tasks are killed from now on; not at first: what the run itself does before and after
 * the script is not cut short. */
void aggr_watchdog_allow_kills(struct aggr_watchdog *self, bool allow);

/* The running slice counts as a stall already. */
bool aggr_watchdog_noticed(const struct aggr_watchdog *self);
