#include "bind/json_shape.h"
#include "base/json_quote.h"
#include <string.h>

/* Puts the key's text behind the others. */
static bool add(struct aggr_json_shape *shape, const char *bytes, size_t len)
{
    char *text = shape->text + shape->begin[shape->count], *out = text + 1;
    const char *at = bytes;
    if (AGGR_JSON_QUOTE_ROOM(len) > (size_t)(shape->text + AGGR_JSON_SHAPE_BYTES - text))
        return false;
    if (!aggr_json_quote(&at, bytes + len, false, &out) || out - (text + 1) != (ptrdiff_t)len)
        return false;
    text[0] = out[0] = '"';
    out[1] = ':';
    shape->begin[++shape->count] = (uint16_t)(out + 2 - shape->text);
    return true;
}

/* As Lua compares strings, byte by byte. */
static bool is_before(const struct aggr_json_shape *shape, int a, int b)
{
    size_t a_len = (size_t)(shape->begin[a + 1] - shape->begin[a] - 3);
    size_t b_len = (size_t)(shape->begin[b + 1] - shape->begin[b] - 3);
    int order = memcmp(shape->text + shape->begin[a] + 1, shape->text + shape->begin[b] + 1,
                       a_len < b_len ? a_len : b_len);
    return order < 0 || (order == 0 && a_len < b_len);
}

static void insert_sorted(struct aggr_json_shape *shape, int place)
{
    int at = place;
    for (; at > 0 && is_before(shape, place, shape->order[at - 1]); at--)
        shape->order[at] = shape->order[at - 1];
    shape->order[at] = (uint8_t)place;
}

static bool learn(struct aggr_json_shape *shape, lua_State *L, int first, int count, bool sorted)
{
    for (int i = 0; i < count; i++) {
        size_t len;
        const char *bytes = lua_tolstring(L, first + 2 * i, &len);
        if (!add(shape, bytes, len))
            return false;
        shape->keys[i] = lua_topointer(L, first + 2 * i);
        shape->order[i] = (uint8_t)i;
        if (sorted)
            insert_sorted(shape, i);
    }
    return true;
}

bool aggr_json_shape_learn(struct aggr_json_shape *shape, lua_State *L, int first, int count,
                           bool sorted, int keeper, int slot)
{
    shape->version++;
    shape->count = shape->begin[0] = 0;
    for (int i = 0; i < count; i++) { /* may throw: the shape holds none yet */
        lua_pushvalue(L, first + 2 * i);
        lua_rawseti(L, keeper, slot + i);
    }
    if (learn(shape, L, first, count, sorted))
        return true;
    shape->count = 0;
    return false;
}
