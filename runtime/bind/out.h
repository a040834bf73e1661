/* out.h -- aggr.core.out: what the run prints, through one queue. */
#pragma once
#include <lua.h>

/* Leaves the module's table. */
/* When the loop's thread is stuck for good, from another one: what is queued still goes out, for a
 * few seconds at most, and the file of --out stays as <target>.partial. The process must end next.
 */
void aggr_bind_out_rescue(lua_State *L);

int aggr_bind_out(lua_State *L);
