/* task.h -- the core module aggr.core.task; its functions are listed at the head of task.c. */
#pragma once
#include <lua.h>

int aggr_bind_task(lua_State *L);
