/* sys.h -- aggr.core.sys: small questions to the system. */
#pragma once
#include <lua.h>

/* Leaves the module's table. */
int aggr_bind_sys(lua_State *L);
