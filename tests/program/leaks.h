/* leaks.h -- the global `leak` of scripts in aggr-e2e, with AGGR_TEST_LEAKS=1: makes what no script
 * can leave behind, so that --audit has something to find. Its functions are listed at the head of
 * leaks.c. */
#pragma once
#include <lua.h>

void aggr_leaks_open(lua_State *L);
