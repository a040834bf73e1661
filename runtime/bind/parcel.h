/* parcel.h -- values on their way from one lua_State to another: bytes, with nothing shared.
 *
 * nil, booleans, numbers, large integers, strings, aggr.null and tables of those. Tables may
 * contain themselves and be shared: what was one table is one afterwards. Marks of aggr.array and
 * aggr.object go along, and the order of keys.
 *
 *   pack* (in one state) -> unpack (in the other)
 */
#pragma once
#include "base/buf.h"
#include <lua.h>
#include <stdbool.h>

enum { AGGR_PARCEL_WHY_MAX = 256 };

/* Appends the values from index `first` to `last`. False: one is no data, and `why` says which:
 * "argument 2: .rows[3].f is a function", with `what` for "argument". May throw for want of memory;
 * `out` is sound then. */
bool aggr_parcel_pack(lua_State *L, int first, int last, const char *what, struct aggr_buf *out,
                      char *why);

/* Pushes all values and returns how many. May throw. */
int aggr_parcel_unpack(lua_State *L, const struct aggr_buf *parcel);
