/* guard.h -- the core module aggr.core.guard; its functions are listed at the head of guard.c. */
#pragma once
#include <lua.h>

int aggr_bind_guard(lua_State *L);
