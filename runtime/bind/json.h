/* json.h -- the core module aggr.core.json; its functions are listed at the head of json.c. */
#pragma once
#include <lua.h>

int aggr_bind_json(lua_State *L);
