/* json_out.h -- the text that an encoder writes: one block that grows.
 *
 * From Lua's allocator, so that a memory cap counts it, but no userdata: it grows in place and
 * leaves no litter. Its owner, a userdata, frees it when it is collected, whatever was thrown in
 * between.
 *
 *   init -> (reserve, write at `at`)* -> shrink -> ... -> deinit
 */
#pragma once
#include <lua.h>
#include <stddef.h>
#include <string.h>

struct aggr_json_out {
    char *bytes, *at, *end; /* NULL: nothing yet */
};

void aggr_json_out_init(struct aggr_json_out *out);

/* Frees it; it is as after init. */
void aggr_json_out_deinit(struct aggr_json_out *out, lua_State *L);

/* Room for `more` bytes. Throws when there is no memory; what is written stays. */
void aggr_json_out_grow(struct aggr_json_out *out, lua_State *L, size_t more);

/* Empties it, and gives back what a long text took. */
void aggr_json_out_shrink(struct aggr_json_out *out, lua_State *L);

static inline void aggr_json_out_reserve(struct aggr_json_out *out, lua_State *L, size_t more)
{
    if ((size_t)(out->end - out->at) < more)
        aggr_json_out_grow(out, L, more);
}

/* Within what is reserved. */
static inline void aggr_json_out_put(struct aggr_json_out *out, const char *bytes, size_t len)
{
    memcpy(out->at, bytes, len);
    out->at += len;
}

static inline void aggr_json_out_put_byte(struct aggr_json_out *out, lua_State *L, char byte)
{
    aggr_json_out_reserve(out, L, 1);
    *out->at++ = byte;
}
