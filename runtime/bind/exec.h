/* exec.h -- the core module aggr.core.exec; its functions are listed at the head of exec.c. */
#pragma once
#include <lua.h>

int aggr_bind_exec(lua_State *L);
