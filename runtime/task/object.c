#include "task/object.h"
#include "task/state.h"
#include <lauxlib.h>
#include <stdint.h>

static const char *const names[AGGR_OBJECTS] = {
    [AGGR_OBJECT_TASK] = "aggr.core.task",       [AGGR_OBJECT_SCOPE] = "aggr.core.scope",
    [AGGR_OBJECT_PROFILE] = "aggr.core.profile", [AGGR_OBJECT_RESPONSE] = "aggr.Response",
    [AGGR_OBJECT_DECODER] = "aggr.core.decoder", [AGGR_OBJECT_ENCODER] = "aggr.core.encoder",
    [AGGR_OBJECT_PICKER] = "aggr.core.picker",   [AGGR_OBJECT_STREAM] = "aggr.core.stream",
};

/* In front of each object, plus the kind. It alone tells: scripts can put our metatables on other
 * userdata (debug.setmetatable). */
static const uint64_t mark = 0x9d1f63c7a2b0e4d8;

void aggr_object_define(lua_State *L, enum aggr_object kind)
{
    lua_newtable(L);
    lua_pushstring(L, names[kind]);
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    aggr_state_of(L)->metatables[kind] = luaL_ref(L, LUA_REGISTRYINDEX);
}

void *aggr_object_new(lua_State *L, enum aggr_object kind, size_t size)
{
    uint64_t *object = lua_newuserdata(L, sizeof mark + size);
    *object = mark + kind;
    lua_rawgeti(L, LUA_REGISTRYINDEX, aggr_state_of(L)->metatables[kind]);
    lua_setmetatable(L, -2);
    return object + 1;
}

void *aggr_object_at(lua_State *L, int index, enum aggr_object kind)
{
    uint64_t *object = lua_touserdata(L, index);
    if (lua_type(L, index) != LUA_TUSERDATA || lua_objlen(L, index) <= sizeof mark ||
        *object != mark + kind)
        return NULL;
    return object + 1;
}

void *aggr_object_check(lua_State *L, int index, enum aggr_object kind)
{
    void *object = aggr_object_at(L, index, kind);
    if (!object)
        luaL_typerror(L, index, names[kind]);
    return object;
}
