#include "bind/json_keys.h"
#include "base/json_word.h"
#include <stdbool.h>
#include <string.h>

static unsigned place_of(const char *bytes, size_t len)
{
    uint64_t hash = len;
    uint32_t head, tail;
    if (len >= sizeof head) {
        memcpy(&head, bytes, sizeof head);
        memcpy(&tail, bytes + len - sizeof tail, sizeof tail);
        hash ^= (uint64_t)head << 32 ^ (uint64_t)tail << 8;
    } else if (len > 0) {
        hash ^= (uint64_t)(unsigned char)bytes[0] << 32 ^
                (uint64_t)(unsigned char)bytes[len / 2] << 16 ^
                (uint64_t)(unsigned char)bytes[len - 1] << 8;
    }
    return (unsigned)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 56) % AGGR_JSON_KEYS;
}

static bool is_key(const struct aggr_json_key *key, const char *bytes, size_t len)
{
    return key->len == len && aggr_json_are_equal(key->bytes, bytes, len);
}

unsigned aggr_json_keys_push(struct aggr_json_keys *keys, lua_State *L, int strings,
                             const char *bytes, size_t len)
{
    unsigned place = place_of(bytes, len), other = place ^ 1;
    struct aggr_json_key *key = &keys->entries[place];
    if (len > AGGR_JSON_KEY_BYTES) {
        lua_pushlstring(L, bytes, len);
        return place;
    }
    if (key->known && !is_key(key, bytes, len))
        key = &keys->entries[other];
    int slot = (int)(key - keys->entries) + 1;
    if (key->known && is_key(key, bytes, len)) {
        lua_rawgeti(L, strings, slot);
        return place;
    }
    key->known = false; /* what follows may throw */
    lua_pushlstring(L, bytes, len);
    lua_pushvalue(L, -1);
    lua_rawseti(L, strings, slot);
    memcpy(key->bytes, bytes, len);
    key->len = (uint8_t)len;
    key->known = true;
    return place;
}
