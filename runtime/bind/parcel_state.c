#include "bind/parcel_state.h"

static const char keys[AGGR_PARCEL_STATES]; /* their addresses are keys of the registry */

void aggr_parcel_state_set(lua_State *L, enum aggr_parcel_state what, int index)
{
    lua_pushlightuserdata(L, (void *)&keys[what]);
    lua_pushvalue(L, index);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

void aggr_parcel_state_push(lua_State *L, enum aggr_parcel_state what)
{
    lua_pushlightuserdata(L, (void *)&keys[what]);
    lua_rawget(L, LUA_REGISTRYINDEX);
}
