/* json_order.h -- the keys of objects that are read, one by one: whether one comes twice, and in
 * which order they come.
 *
 * The keys of all open objects lie on one list, the trail, the innermost one's last. An object's
 * order is its mark: a list of its keys, which objects of one shape share. Not often asked for, so
 * compiled to be out of the way.
 */
#pragma once
#include "bind/json_reader.h"

/* The key on top of the stack is about to be the member of the object below it. False: it comes
 * twice, against the rules; the reader is then back at the key. */
bool aggr_json_order_add(struct aggr_json_reader *reader, lua_State *L) __attribute__((cold));

/* The object on top of the stack, with its level, is at its end. */
void aggr_json_order_close(struct aggr_json_reader *reader, lua_State *L,
                           const struct aggr_json_level *level) __attribute__((cold));
