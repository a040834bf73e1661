/* json_shape.h -- the keys of an object that was written, for the next one of the same keys: how
 * they are written and in which order.
 *
 * Lua's `next` gives the keys of tables that were made alike in one order, so comparing them one by
 * one tells that nothing has to be sorted or quoted. Plain data; the strings are kept alive by a
 * Lua table of the owner's, so that one is told by its address.
 */
#pragma once
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AGGR_JSON_SHAPE_KEYS = 48, AGGR_JSON_SHAPE_BYTES = 768 };

struct aggr_json_shape {
    uint32_t version; /* changes when it learns */
    uint16_t count;
    uint16_t begin[AGGR_JSON_SHAPE_KEYS + 1]; /* of the keys' texts */
    uint8_t order[AGGR_JSON_SHAPE_KEYS];      /* which is written first, second, ... */
    const void *keys[AGGR_JSON_SHAPE_KEYS];   /* as `next` gives them */
    char text[AGGR_JSON_SHAPE_BYTES];         /* "key": after "key":, in the same order */
};

/* Whether the key is the shape's `place`th (from 0). */
static inline bool aggr_json_shape_has(const struct aggr_json_shape *shape, int place,
                                       const void *key)
{
    return place < shape->count && shape->keys[place] == key;
}

/* Becomes that of `count` strings at the stack indices first, first + 2, ... `keeper`: an index of
 * the table that keeps them, at numbers from `slot` on. False: it cannot hold them, as they are too
 * long or not written as they are. It holds none then. May throw (memory). */
bool aggr_json_shape_learn(struct aggr_json_shape *shape, lua_State *L, int first, int count,
                           bool sorted, int keeper, int slot);
