/* wait.h -- the one thing the scheduler knows of whatever a task may wait for.
 *
 * A binding makes one, prepared but not started, and returns aggr_task_await(L, wait). It starts
 * when the yield has reached the scheduler, so a yield that fails leaks nothing.
 *
 *   prepared -> start -> (aggr_wait_done | cancel) -> take -> free        prepared -> free
 */
#pragma once
#include <lua.h>
#include <stdbool.h>

struct aggr_task;
struct aggr_wait;

struct aggr_wait_ops {
    const char *name;                      /* "fetch", for the list of waiting tasks (R27) */
    void (*start)(struct aggr_wait *self); /* may call aggr_wait_done at once */
    void (*cancel)(struct aggr_wait
                       *self); /* started, not done: stop it now; aggr_wait_done must not follow */
    int (*take)(struct aggr_wait *self,
                lua_State *L);            /* done: push the results; inside the task, may throw */
    void (*free)(struct aggr_wait *self); /* exactly once, in any state but started */
};

struct aggr_wait {
    const struct aggr_wait_ops *ops;
    struct aggr_task *task; /* set by aggr_task_await */
};

/* The operation has ended: queue its task. From loop callbacks or from start; never twice. */
void aggr_wait_done(struct aggr_wait *self);

/* Takes ownership of `self` and yields the running task: "return aggr_task_await(L, self);". Raises
 * the cancel token when the task's scope is cancelled (R7, R9) and kind `usage` where a yield is
 * impossible (R27); `self` is freed then. The Lua caller must call core.task.take() next to have
 * the results. */
int aggr_task_await(lua_State *L, struct aggr_wait *self);
