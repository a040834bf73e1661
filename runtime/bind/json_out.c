#include "bind/json_out.h"
#include <lauxlib.h>

enum { LEAST_BYTES = 4096, KEPT_BYTES = 2 * 1024 * 1024 };

void aggr_json_out_init(struct aggr_json_out *out)
{
    *out = (struct aggr_json_out){0};
}

void aggr_json_out_deinit(struct aggr_json_out *out, lua_State *L)
{
    void *arena;
    lua_Alloc allocate = lua_getallocf(L, &arena);
    if (out->bytes)
        allocate(arena, out->bytes, (size_t)(out->end - out->bytes), 0);
    aggr_json_out_init(out);
}

void aggr_json_out_grow(struct aggr_json_out *out, lua_State *L, size_t more)
{
    void *arena;
    lua_Alloc allocate = lua_getallocf(L, &arena);
    size_t used = (size_t)(out->at - out->bytes), size = (size_t)(out->end - out->bytes);
    size_t wanted = size * 2 > LEAST_BYTES ? size * 2 : LEAST_BYTES;
    if (wanted < used + more)
        wanted = used + more;
    char *bytes = allocate(arena, out->bytes, size, wanted);
    if (!bytes)
        luaL_error(L, "not enough memory");
    *out = (struct aggr_json_out){.bytes = bytes, .at = bytes + used, .end = bytes + wanted};
}

void aggr_json_out_shrink(struct aggr_json_out *out, lua_State *L)
{
    out->at = out->bytes;
    if (out->end - out->bytes > KEPT_BYTES)
        aggr_json_out_deinit(out, L);
}
