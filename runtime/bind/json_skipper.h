/* json_skipper.h -- a skipper (base/json_skip.h) that lives in a userdata of its owner's, with as
 * much room for levels as a text takes. More than a few of them are in a userdata that is kept in
 * the owner's environment; none of it needs closing.
 */
#pragma once
#include "base/json_skip.h"
#include <lua.h>

enum { AGGR_JSON_OWN_LEVELS = 24 };

/* For a slice: some tenths of a millisecond. */
enum { AGGR_JSON_SKIPPER_BYTES = 256 * 1024 };

/* What of the owner's environment is taken. */
enum { AGGR_JSON_SKIPPER_LEVELS = 1, AGGR_JSON_SKIPPER_STORED = AGGR_JSON_SKIPPER_LEVELS };

struct aggr_json_skipper {
    struct aggr_json_skip skip;
    struct aggr_json_skip_level own[AGGR_JSON_OWN_LEVELS];
};

/* Begins a text; it must not move afterwards. */
void aggr_json_skipper_start(struct aggr_json_skipper *skipper, const char *text, size_t len,
                             int deepest, bool any_integer);

/* The next `bytes` of the text, or a little more; never ROOM. The owner is at index 1. May throw
 * (memory), and go on then. */
enum aggr_json_skipped aggr_json_skipper_run(struct aggr_json_skipper *skipper, lua_State *L,
                                             size_t bytes);

/* The number of bytes at `index` for a slice: any over 1e9 is all. */
size_t aggr_json_skipper_bytes(lua_State *L, int index);

/* Pushes what is wrong, and the list of keys down to it. */
void aggr_json_skipper_push_wrong(const struct aggr_json_skipper *skipper, lua_State *L);
