#include "task/object.h"
#include "task/state.h"
#include <lauxlib.h>
#include <stdbool.h>

static const char *const names[AGGR_OBJECTS] = {
    [AGGR_OBJECT_TASK] = "aggr.core.task",
    [AGGR_OBJECT_SCOPE] = "aggr.core.scope",
    [AGGR_OBJECT_PROFILE] = "aggr.core.profile",
    [AGGR_OBJECT_RESPONSE] = "aggr.Response",
};

void aggr_object_define(lua_State *L, enum aggr_object kind)
{
    lua_newtable(L);
    lua_pushstring(L, names[kind]);
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    aggr_state_of(L)->metatables[kind] = luaL_ref(L, LUA_REGISTRYINDEX);
}

static void push_metatable(lua_State *L, enum aggr_object kind)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, aggr_state_of(L)->metatables[kind]);
}

void *aggr_object_new(lua_State *L, enum aggr_object kind, size_t size)
{
    void *object = lua_newuserdata(L, size);
    push_metatable(L, kind);
    lua_setmetatable(L, -2);
    return object;
}

void *aggr_object_check(lua_State *L, int index, enum aggr_object kind)
{
    void *object = lua_touserdata(L, index);
    bool sound = object && lua_getmetatable(L, index);
    if (sound) {
        push_metatable(L, kind);
        sound = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    if (!sound)
        luaL_typerror(L, index, names[kind]);
    return object;
}
