/* object.h -- the kinds of userdata that Lua holds of us, and what tells them apart: a mark in the
 * memory itself. Looking for a metatable, as luaL_checkudata does, would show in each request.
 */
#pragma once
#include <lua.h>

enum aggr_object {
    AGGR_OBJECT_TASK,
    AGGR_OBJECT_SCOPE,
    AGGR_OBJECT_PROFILE,
    AGGR_OBJECT_RESPONSE,
    AGGR_OBJECT_DECODER,
    AGGR_OBJECT_ENCODER,
    AGGR_OBJECT_PICKER,
    AGGR_OBJECT_STREAM,
    AGGR_OBJECTS
};

/* Makes the metatable of a kind and pushes it. */
void aggr_object_define(lua_State *L, enum aggr_object kind);

/* Pushes a new object; `size` bytes, not cleared. */
void *aggr_object_new(lua_State *L, enum aggr_object kind, size_t size);

/* The object at `index`, or NULL when it is not of that kind. */
void *aggr_object_at(lua_State *L, int index, enum aggr_object kind);

/* The object at `index`; raises when it is not of that kind. */
void *aggr_object_check(lua_State *L, int index, enum aggr_object kind);
