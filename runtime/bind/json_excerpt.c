#include "bind/json_excerpt.h"

int aggr_json_excerpt_push(lua_State *L, const char *start, const char *at, const char *end,
                           size_t line, size_t column)
{
    enum { BYTES = 1000, VALUES = 4 };
    size_t before = (size_t)(at - start), behind = (size_t)(end - at);
    if (before > BYTES)
        before = BYTES;
    if (behind > BYTES)
        behind = BYTES;
    lua_pushnumber(L, (lua_Number)line);
    lua_pushnumber(L, (lua_Number)column);
    lua_pushlstring(L, at - before, before);
    lua_pushlstring(L, at, behind);
    return VALUES;
}
