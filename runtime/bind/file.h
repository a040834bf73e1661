/* file.h -- aggr.core.file: files and stdin, beside the loop. */
#pragma once
#include <lua.h>

/* Leaves the module's table. */
int aggr_bind_file(lua_State *L);
