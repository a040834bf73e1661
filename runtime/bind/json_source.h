/* json_source.h -- where the library's JSON functions find a text: in a string, in a Response,
 * where a picker has found a value, or where a stream stands.
 */
#pragma once
#include "bind/json_reader.h"
#include <lua.h>

/* The text at `index`, good as long as that is. A value in the middle of a text has what follows it
 * there behind it, in place of a NUL. Raises when there is none. */
struct aggr_json_text aggr_json_source(lua_State *L, int index);
