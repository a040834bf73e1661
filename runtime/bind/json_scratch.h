/* json_scratch.h -- where strings with escapes are put together.
 *
 * Short ones here, long ones in a userdata that the owner of the scratch keeps in a Lua table; none
 * of it needs closing.
 *
 *   init -> (out = bytes -> (reserve, write at out)* -> read from bytes to out)* -> shrink
 */
#pragma once
#include <lua.h>
#include <stddef.h>

enum { AGGR_JSON_SCRATCH_BYTES = 512 };

struct aggr_json_scratch {
    char *bytes; /* borrowed from the table, or `own` */
    char *out;   /* where the next byte goes */
    size_t size;
    char own[AGGR_JSON_SCRATCH_BYTES];
};

/* It must not move afterwards. */
void aggr_json_scratch_init(struct aggr_json_scratch *scratch);

/* Makes room for `more` bytes at out; what is before it stays. Its memory is kept in the table at
 * index `keeper` under `key`. May throw. */
void aggr_json_scratch_reserve(struct aggr_json_scratch *scratch, lua_State *L, int keeper, int key,
                               size_t more);

/* Gives back what a long string took. */
void aggr_json_scratch_shrink(struct aggr_json_scratch *scratch, lua_State *L, int keeper, int key);
