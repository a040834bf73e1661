/* out.h -- aggr.core.out: what the run prints, through one queue. */
#pragma once
#include <lua.h>

/* Leaves the module's table. */
int aggr_bind_out(lua_State *L);
