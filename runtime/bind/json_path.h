/* json_path.h -- the way down to where a reader stands. */
#pragma once
#include "bind/json_reader.h"

/* Pushes the list of keys down to where the reader is; `top` is that of the stack after run. */
void aggr_json_path_push(const struct aggr_json_reader *reader, lua_State *L, int top);
