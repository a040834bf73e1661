/* json_keys.h -- the keys that were seen last, so that one that comes again need not be interned
 * again.
 *
 * The strings are at 1..AGGR_JSON_KEYS in a Lua table of the owner's; here are copies of them to
 * compare with.
 */
#pragma once
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AGGR_JSON_KEYS = 256, AGGR_JSON_KEY_BYTES = 30 };

struct aggr_json_key {
    bool known;
    uint8_t len;
    char bytes[AGGR_JSON_KEY_BYTES];
};

/* A key is at its place or next to it. */
struct aggr_json_keys {
    struct aggr_json_key entries[AGGR_JSON_KEYS];
};

/* Pushes the key; `strings` is the index of the Lua table. Returns its place, which equal keys have
 * in common (others may have it, too). */
unsigned aggr_json_keys_push(struct aggr_json_keys *keys, lua_State *L, int strings,
                             const char *bytes, size_t len);
