/* clock.h -- the core module aggr.core.clock: monotonic() and wall(), in seconds. */
#pragma once
#include <lua.h>

int aggr_bind_clock(lua_State *L);
