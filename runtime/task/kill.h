/* kill.h -- a task that is given up where it stands (R21), and what is known of it: the place and
 * the traceback are kept in the task's table until its Error is made.
 *
 *   aggr_task_kill -> (the running task's next instruction: keep_place) -> push_error
 */
#pragma once
#include "base/err.h"
#include <lua.h>
#include <stdbool.h>

struct aggr_interrupt;
struct aggr_sched;
struct aggr_task;

/* What a task is killed for. */
struct aggr_kill {
    enum aggr_err kind;
    char message[200];
    char hint[160]; /* "" for none */
    /* Where it was, when that is not found where the task is left; "": it is. */
    char where[200], traceback[1024];
};

/* The running task is left at its next instruction, whatever catches errors in it; `at_once` also
 * when that is the library's. From a signal handler too; may be repeated. */
void aggr_kill_break(struct aggr_sched *sched, bool at_once);

/* The running task, killed but not left yet, goes on: it has come to an end by itself. */
void aggr_kill_revoke(struct aggr_sched *sched);

/* Notes where the task stands, unless that is known already. Inside lua_pcall or the task itself:
 * it allocates. `innermost` is the coroutine that runs, or waits. */
void aggr_kill_keep_place(lua_State *L, struct aggr_task *task, lua_State *innermost);

/* Pushes { kind =, message =, hint =, where =, traceback = } of a task that was killed. */
void aggr_kill_push_cause(lua_State *L, struct aggr_task *task);
