/* await.h -- waiting from Lua: the yield, what take() does after it, and the waits that need
 * nothing but the scheduler (park, sleep, the passing checkpoint).
 *
 * The functions that wait end in a yield: "return aggr_await_park(L, false);", and the Lua caller
 * calls take() or parked() next.
 */
#pragma once
#include <lua.h>
#include <stdbool.h>

struct aggr_task;

/* The value that tells a checkpoint's yield from a script's own. */
void aggr_await_push_sentinel(lua_State *L);

int aggr_await_raise_cancel(lua_State *L);

/* The results of the wait that has ended, or its error. */
int aggr_await_take(lua_State *L);

/* True when the wait ended well, or false and what to raise; never raises that itself. */
int aggr_await_parked(lua_State *L);

int aggr_await_park(lua_State *L, bool uncancellable);

/* False when the task is not parked (any more) or has ended (NULL). */
bool aggr_await_unpark(struct aggr_task *task);

/* Zero, negative or NaN: just a yield. */
int aggr_await_sleep(lua_State *L, double seconds);
