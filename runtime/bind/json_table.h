/* json_table.h -- arrays and objects of an encoder.
 *
 * Most are small: what they hold is spread on Lua's stack in one pass of `next`, which also tells
 * which of the two it is, and objects are written by the shape of the last one of the same keys.
 * What that cannot do is left to slower ways.
 */
#pragma once
#include "bind/json_encoder.h"

/* Writes the table at `index`, in the place of the one at `given`; both may be the same. `is_list`:
 * it has the metatable of empty arrays. */
void aggr_json_table_put(struct aggr_json_encoder *e, lua_State *L, int index, int given,
                         bool is_list);
