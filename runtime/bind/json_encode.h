/* json_encode.h -- the functions of aggr.core.json that write; listed at the head of json.c. */
#pragma once
#include <lua.h>

int aggr_json_encode_make(lua_State *L);
int aggr_json_encode_quote(lua_State *L);
int aggr_json_encode_number(lua_State *L);

/* Sets the flags in the table on top of the stack, and what encoders need once per lua_State. */
void aggr_json_encode_open(lua_State *L);
