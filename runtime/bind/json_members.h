/* json_members.h -- the members of objects that no shape holds: many or odd keys, an order that is
 * remembered, number keys as strings, or little room on Lua's stack.
 */
#pragma once
#include "bind/json_encoder.h"

/* Writes the members of the table at `index`, without the brackets; whether there were any.
 * `order`: the index of the list of keys that come first, or 0; `rename`: number keys are strings.
 */
bool aggr_json_members_put(struct aggr_json_encoder *e, lua_State *L, int index, int order,
                           bool rename);
