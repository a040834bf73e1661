/* json_stream.h -- the core module aggr.core.stream; its functions are listed at the head of
 * json_stream.c. */
#pragma once
#include "bind/json_reader.h"
#include <lua.h>
#include <stdbool.h>

int aggr_bind_json_stream(lua_State *L);

/* The value that a stream stands at, good until it goes on; false: at `index` is no stream. */
bool aggr_json_stream_text(lua_State *L, int index, struct aggr_json_text *text);
