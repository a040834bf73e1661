/* blocking.h -- a call that blocks, as a wait: it runs on an offload thread while its task sleeps.
 *
 * Owns the payload from await on. A cancelled call goes on in its thread, unless it had not begun,
 * and its payload is freed when it ends.
 *
 *   await -> run on a thread -> push (inside the task) -> free        await -> (cancelled) -> free
 */
#pragma once
#include <lua.h>

struct aggr_offload;
struct aggr_task;

struct aggr_blocking_ops {
    const char *name;                         /* "read", for the list of waiting tasks */
    void (*run)(void *payload);               /* on a thread; touches the payload alone */
    int (*push)(void *payload, lua_State *L); /* the results; inside the task, may throw */
    void (*free)(void *payload);              /* on either side */
};

/* For calls that are told of when they go on after a cancellation; both come on the loop. */
struct aggr_blocking_hooks {
    void (*abandoned)(void *payload,
                      const struct aggr_task *task); /* its wait is being cancelled */
    void (*late)(void *payload); /* the run has ended; the payload is the callee's */
};

/* "return aggr_blocking_await(L, &ops, payload);" -- the Lua caller must call core.task.take()
 * next. */
int aggr_blocking_await(lua_State *L, const struct aggr_blocking_ops *ops, void *payload);

/* The same on threads of `offload` (borrowed). Where no thread can be had, `run` comes on the loop.
 */
int aggr_blocking_await_on(lua_State *L, struct aggr_offload *offload,
                           const struct aggr_blocking_ops *ops,
                           const struct aggr_blocking_hooks *hooks, void *payload);
