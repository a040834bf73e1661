/* json_excerpt.h -- what is told of a place in a JSON text. */
#pragma once
#include <lua.h>
#include <stddef.h>

/* Pushes line and column, and the text on both sides of `at`, up to 1,000 bytes of it. Returns the
 * number of values. */
int aggr_json_excerpt_push(lua_State *L, const char *start, const char *at, const char *end,
                           size_t line, size_t column);
