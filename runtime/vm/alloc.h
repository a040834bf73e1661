/* alloc.h -- lua_States whose allocations are counted.
 *
 * The memory is that of LuaJIT's own allocator, which has no lock and keeps Lua's many small blocks
 * apart from libcurl's: with a thousand requests in flight malloc would cost a quarter of all CPU
 * time. Under AddressSanitizer it is malloc's, so that pointers kept into dead objects are found.
 */
#pragma once
#include "task/state.h"

/* Sets state->L, a lua_State whose allocator's user data is `state`; NULL: out of memory. */
lua_State *aggr_alloc_open(struct aggr_state *state);

/* Closes it. `state` need not have been opened. */
void aggr_alloc_close(struct aggr_state *state);
