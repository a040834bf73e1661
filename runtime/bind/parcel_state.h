/* parcel_state.h -- what of a lua_State its parcels need: kept in its registry. */
#pragma once
#include <lua.h>

enum aggr_parcel_state {
    AGGR_PARCEL_STATE_MARKS,  /* table -> "array", "object" or a list of keys */
    AGGR_PARCEL_STATE_LIST,   /* the metatable of empty lists */
    AGGR_PARCEL_STATE_DIGITS, /* large integer -> its digits */
    AGGR_PARCEL_STATE_EXACT,  /* the function that makes one of its digits */
    AGGR_PARCEL_STATES
};

/* The value at `index` is it from now on. */
void aggr_parcel_state_set(lua_State *L, enum aggr_parcel_state what, int index);

void aggr_parcel_state_push(lua_State *L, enum aggr_parcel_state what);
