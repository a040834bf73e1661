/* testing.h -- the Lua module aggr.testing, which only this program has; its functions are listed
 * at the head of testing.c. */
#pragma once
#include <lua.h>

/* Pushes the module's table. */
void aggr_testing_push(lua_State *L);
