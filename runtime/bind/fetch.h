/* fetch.h -- aggr.core.fetch: requests as waits, and what connections are made of. */
#pragma once
#include <lua.h>

/* The module's table. */
int aggr_bind_fetch(lua_State *L);
