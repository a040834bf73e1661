#include "bind/json_scratch.h"
#include <string.h>

enum { KEPT_BYTES = 64 * 1024 };

void aggr_json_scratch_init(struct aggr_json_scratch *scratch)
{
    scratch->bytes = scratch->out = scratch->own;
    scratch->size = sizeof scratch->own;
}

void aggr_json_scratch_reserve(struct aggr_json_scratch *scratch, lua_State *L, int keeper, int key,
                               size_t more)
{
    size_t used = (size_t)(scratch->out - scratch->bytes), size = scratch->size * 2;
    if (used + more <= scratch->size)
        return;
    if (size < used + more)
        size = used + more;
    char *bytes = lua_newuserdata(L, size);
    memcpy(bytes, scratch->bytes, used);
    lua_rawseti(L, keeper, key);
    scratch->bytes = bytes;
    scratch->out = bytes + used;
    scratch->size = size;
}

void aggr_json_scratch_shrink(struct aggr_json_scratch *scratch, lua_State *L, int keeper, int key)
{
    if (scratch->size <= KEPT_BYTES)
        return;
    lua_pushnil(L);
    lua_rawseti(L, keeper, key);
    aggr_json_scratch_init(scratch);
}
