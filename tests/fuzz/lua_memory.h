/* lua_memory.h -- for targets that fuzz Lua bindings: an allocator that fails when it is told to,
 * and the comparison of values in Lua. */
#pragma once
#include <stddef.h>
#include <stdlib.h>

static int allocations_left = -1; /* until one fails; negative: none does */

static inline void *allocate(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context, (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    if (new_size > old_size && allocations_left >= 0 && allocations_left-- == 0)
        return NULL;
    return realloc(block, new_size);
}

/* Lua text: same(a, b), whether two values are the same, -0 apart from 0, and all numbers finite.
 */
#define SAME_FUNCTION                                                                              \
    "local type, next, find = type, next, string.find\n"                                           \
    "local function same(a, b)\n"                                                                  \
    "  if type(a) ~= 'table' or type(b) ~= 'table' then\n"                                         \
    "    return a == b and (a ~= 0 or 1 / a == 1 / b) and (type(a) ~= 'number' or a - a == 0)\n"   \
    "  end\n"                                                                                      \
    "  for key, value in next, a do if not same(value, b[key]) then return false end end\n"        \
    "  for key in next, b do if a[key] == nil then return false end end\n"                         \
    "  return true\n"                                                                              \
    "end\n"
