/* sched.h -- the run queue and the only caller of lua_resume.
 *
 * Owns its tasks and the root of their scopes; borrows loop, trace and lua_State.
 * A drain runs only what was queued when it began; then the loop gets a turn (R33).
 *
 *   init -> (spawn, step)* -> deinit (ends whatever is left, without running it)
 */
#pragma once
#include "base/list.h"
#include "base/scope.h"
#include "base/trace.h"
#include "io/loop.h"
#include <lua.h>

struct aggr_task;

struct aggr_sched {
    struct aggr_loop *loop;   /* borrowed */
    struct aggr_trace *trace; /* borrowed, may be NULL */
    lua_State *L;             /* borrowed */
    struct aggr_scopes scopes;
    struct aggr_scope root;
    struct aggr_list queue;    /* ready tasks, FIFO */
    struct aggr_list tasks;    /* every task that has not ended, oldest first */
    struct aggr_task *current; /* the running one */
    struct aggr_task *main;    /* told when all tasks wait for nothing (R27) */
    uint64_t last_id;
    unsigned live;
    unsigned checks;   /* uncontended checkpoints since the last yield */
    bool deadlocked;   /* main has been told, and nothing has run since */
};

void aggr_sched_init(struct aggr_sched *sched, lua_State *L, struct aggr_loop *loop,
                     struct aggr_trace *trace);
void aggr_sched_deinit(struct aggr_sched *sched);

/* One drain and one turn of the loop. False when no task is left. */
bool aggr_sched_step(struct aggr_sched *sched);
