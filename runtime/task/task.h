/* task.h -- one Lua coroutine that the scheduler runs, and the one thing it may be waiting for.
 *
 * Owns its coroutine (anchored in the registry) and the wait hung on it; its handle is a small
 * userdata that outlives it and is then empty (R29). Each task has a scope of its own, a child of
 * the one it was spawned into, so that it can be cancelled alone; `member` is in its innermost one.
 *
 *   spawn -> ready -> running -> waiting -> ready ... -> end (freed)
 */
#pragma once
#include "base/list.h"
#include "base/scope.h"
#include "task/wait.h"
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct aggr_kill;
struct aggr_sched;

enum aggr_task_state {
    AGGR_TASK_READY,   /* in the run queue */
    AGGR_TASK_RUNNING, /* the scheduler's current one */
    AGGR_TASK_WAITING, /* its wait has been started */
};

/* How the last wait ended: what take() has to do. */
enum aggr_task_outcome {
    AGGR_TASK_NOTHING,     /* no wait hung on it */
    AGGR_TASK_DONE,        /* results are there to take */
    AGGR_TASK_CANCELLED,   /* raise the cancel token */
    AGGR_TASK_INTERRUPTED, /* raise the error left in the registry */
};

/* A scope that a task has opened; its innermost one is the task's current scope. */
struct aggr_task_scope {
    struct aggr_scope scope;
    struct aggr_task_scope **box; /* the userdata's content; set to NULL on close */
    bool of_main;                 /* opened by the main task */
};

struct aggr_task {
    uint64_t id;
    struct aggr_sched *sched;
    lua_State *co;             /* anchored */
    lua_State *waiting;        /* what waits: co, or one of the user's under it; NULL: running */
    struct aggr_task **handle; /* the userdata's content; set to NULL at the end */
    int slot;      /* in the table of anchors: the coroutine, the task's table, the handle */
    int arguments; /* values for the first resume, above the function on co's stack */
    struct aggr_list link; /* in the run queue while ready */
    struct aggr_list all;  /* in sched->tasks */
    struct aggr_scope own;
    struct aggr_scope_member member;
    struct aggr_wait *wait;  /* owned; NULL when none */
    struct aggr_wait pause;  /* the wait of park and of checkpoints */
    struct aggr_timer alarm; /* the wait of sleep */
    double sleep_s;
    enum aggr_task_state state;
    enum aggr_task_outcome outcome;
    const struct aggr_kill *kill; /* why, borrowed until the unwinding begins; may be NULL */
    bool killed;                  /* co is given up; the second coroutine begins next (R21) */
    bool unwinding;               /* co is the second one */
    bool placed;                  /* where it was killed is known */
};

/* Spawns a task into `scope`. On L's stack from `index` up: a function and its arguments, which are
 * popped; the first argument is the task's table, whose [1] becomes the handle. Queues only (R33).
 */
struct aggr_task *aggr_task_spawn(lua_State *L, struct aggr_scope *scope, int index);

/* The task has ended: nothing but its handle is left. Scopes it has not closed are closed. */
void aggr_task_end(struct aggr_task *task);

/* Those that ended are kept for the next ones. */
void aggr_task_free_spares(struct aggr_sched *sched);

/* The running task; NULL outside of one. */
struct aggr_task *aggr_task_current(lua_State *L);

/* The task of the handle at `index`, NULL when it has ended; raises when it is no handle. */
struct aggr_task *aggr_task_of(lua_State *L, int index);

/* Pushes the task's table. */
void aggr_task_push(lua_State *L, const struct aggr_task *task);

/* Its coroutine is given up where it stands; a second one calls the `kill` hook with the task's
 * table (R21). A running one is left at its next instruction, and may be killed from a signal
 * handler or an allocator. `kill` is what its Error says: borrowed until the task runs next; NULL
 * for a plain one. */
void aggr_task_kill(struct aggr_task *task, const struct aggr_kill *kill);

/* A waiting task goes on and its take() raises the value on top of L's stack, which is popped. For
 * the running task: its wait, hung on but not started, is dropped (a yield that cannot get out). */
void aggr_task_interrupt(struct aggr_task *task, lua_State *L);

/* aggr_scopes.on_cancel: whoever waits in a way that can be cancelled goes on. */
void aggr_task_on_cancel(struct aggr_scope_member *member);

/* What the scheduler does with a coroutine that has yielded. */
void aggr_task_start_wait(struct aggr_task *task);

/* Raises the cancel token when the running task's scope is cancelled; every 100th call also lets
 * the others run: "return aggr_task_check(L);" (R33). */
int aggr_task_check(lua_State *L);

/* Opens a child of the running task's current scope, current from now on; `box` may be NULL. */
struct aggr_task_scope *aggr_task_open_scope(struct aggr_task *task, struct aggr_task_scope **box);

/* Closes the current scope. False: the task has none open. */
bool aggr_task_close_scope(struct aggr_task *task);
