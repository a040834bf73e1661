/* audit.h -- aggr.core.audit: what a run leaves behind (--audit). */
#pragma once
#include <lua.h>

/* Leaves the module's table. */
int aggr_bind_audit(lua_State *L);
