/* blocking.h -- a call that blocks, as a wait: it runs on an offload thread while its task sleeps.
 *
 * Owns the payload from await on. A cancelled call goes on in its thread, and its payload is freed
 * when it ends.
 *
 *   await -> run on a thread -> push (inside the task) -> free        await -> (cancelled) -> free
 */
#pragma once
#include <lua.h>

struct aggr_blocking_ops {
    const char *name;                         /* "read", for the list of waiting tasks */
    void (*run)(void *payload);               /* on a thread; touches the payload alone */
    int (*push)(void *payload, lua_State *L); /* the results; inside the task, may throw */
    void (*free)(void *payload);              /* on either side */
};

/* "return aggr_blocking_await(L, &ops, payload);" -- the Lua caller must call core.task.take()
 * next. */
int aggr_blocking_await(lua_State *L, const struct aggr_blocking_ops *ops, void *payload);
