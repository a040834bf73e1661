/* A module for `require "leaky"` that opens a file and never closes it. */
#include <fcntl.h>
#include <lauxlib.h>

int luaopen_leaky(lua_State *L);

static int l_open(lua_State *L)
{
    lua_pushinteger(L, open(luaL_checkstring(L, 1), O_RDONLY | O_CLOEXEC));
    return 1;
}

int luaopen_leaky(lua_State *L)
{
    lua_pushcfunction(L, l_open);
    return 1;
}
