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

struct aggr_task {
    uint64_t id;
    struct aggr_sched *sched;
    lua_State *co;        /* anchored */
    lua_State *waiting;   /* the coroutine that waits: co, or one of the user's resumed by it */
    struct aggr_task **handle; /* the userdata's content; set to NULL at the end */
    struct aggr_list link;     /* in the run queue while ready */
    struct aggr_list all;      /* in sched->tasks */
    struct aggr_scope own;
    struct aggr_scope_member member;
    struct aggr_wait *wait; /* owned; NULL when none */
    enum aggr_task_state state;
    enum aggr_task_outcome outcome;
    int arguments; /* values on co's stack for the next resume */
    bool killed;
    bool parked; /* waits in park, for an unpark */
};

/* Spawns a task into `scope`. On L's stack from `index` up: a function and its arguments, which are
 * popped; the first argument is the task's table, whose [1] becomes the handle. Queues only (R33).
 */
struct aggr_task *aggr_task_spawn(lua_State *L, struct aggr_scope *scope, int index);

/* The running task; NULL outside of one. */
struct aggr_task *aggr_task_current(lua_State *L);

/* Pushes the task's table. */
void aggr_task_push(lua_State *L, const struct aggr_task *task);

/* Its coroutine is given up where it stands; a second one runs vm's `on_kill` with the task's table
 * and `message` (R21). A running one is left at its next instruction. */
void aggr_task_kill(struct aggr_task *task, const char *message);

/* A waiting task goes on, its take() raises the value on top of L's stack, which is popped. */
void aggr_task_interrupt(struct aggr_task *task, lua_State *L);

/* core.task.take: the results of the wait that has ended, or its error. */
int aggr_task_take(lua_State *L);

/* core.task.parked: true when woken, or false and what to raise; never raises itself. */
int aggr_task_parked(lua_State *L);

/* Raises the cancel token when the running task's scope is cancelled. */
void aggr_task_check(lua_State *L);

/* Raises the cancel token. */
int aggr_task_raise_cancel(lua_State *L);
