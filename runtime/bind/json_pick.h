/* json_pick.h -- the core module aggr.core.pick; its functions are listed at the head of
 * json_pick.c. */
#pragma once
#include "bind/json_reader.h"
#include <lua.h>
#include <stdbool.h>

int aggr_bind_json_pick(lua_State *L);

/* The value that a picker stands at (select); false: at `index` is no picker. */
bool aggr_json_pick_text(lua_State *L, int index, struct aggr_json_text *text);
