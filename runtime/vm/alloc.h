/* alloc.h -- the allocator of a lua_State, which counts what it gives. */
#pragma once
#include <stddef.h>

/* A lua_Alloc; `state` is the struct aggr_state that counts. */
void *aggr_alloc(void *state, void *block, size_t old_size, size_t new_size);
