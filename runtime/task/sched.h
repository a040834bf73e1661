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
#include "task/collector.h"
#include "task/interrupt.h"
#include "task/slice.h"
#include <lua.h>
#include <stdbool.h>

struct aggr_task;

/* Lua functions of the library that the scheduler calls. */
enum aggr_sched_hook {
    AGGR_SCHED_ON_BLOCKED,  /* (): raises kind usage: a yield is impossible here (R27) */
    AGGR_SCHED_ON_KILL,     /* (task, killed, error or cause): unwinds a dead task (R21) */
    AGGR_SCHED_ON_DEADLOCK, /* (list of "place: what"): the Error for the main task (R27) */
    AGGR_SCHED_ON_STALL,    /* (task, stall): one has ended (task/stall.c) */
    AGGR_SCHED_ON_WAITED,   /* (count, URLs): what has waited for those that have ended */
    AGGR_SCHED_HOOKS
};

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
    unsigned live, peak;             /* tasks that have not ended: now, and at most so far */
    struct aggr_slice *slice;        /* borrowed; NULL: nobody watches */
    struct aggr_interrupt interrupt; /* opened by the vm's owner, if at all */
    struct aggr_collector collector;
    uint64_t break_due_ns;   /* the running task is left by then; 0: it is not to be left */
    unsigned checks;         /* uncontended checkpoints since the last yield */
    int anchors;             /* registry reference: keeps coroutines and task tables alive */
    struct aggr_list spares; /* tasks that have ended, for the next ones */
    int *free_slots;         /* owned: places in anchors that are free */
    int free_count, free_cap, last_slot;
    int cancel_token;            /* registry reference */
    int hooks[AGGR_SCHED_HOOKS]; /* registry references */
};

void aggr_sched_init(struct aggr_sched *sched, lua_State *L, struct aggr_loop *loop,
                     struct aggr_trace *trace);
void aggr_sched_deinit(struct aggr_sched *sched);

/* One drain and one turn of the loop. False when no task is left, or when all wait for nothing and
 * no main task can be told so. */
bool aggr_sched_step(struct aggr_sched *sched);

/* Queue a task that has something to run for. */
void aggr_sched_ready(struct aggr_sched *sched, struct aggr_task *task);
