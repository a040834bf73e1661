#include "vm/alloc.h"
#include "base/clock.h"
#include "task/cap.h"
#include <lauxlib.h>
#include <stdlib.h>

enum { STACK_LEAST = 256 }; /* bytes that a Lua stack has at least */

/* Some time passes until the VM has turned all its pointers to the new stack: a signal handler must
 * not look meanwhile. */
static void settle(struct aggr_state *state, size_t size)
{
    enum { LEAST_NS = 20000, BYTES_PER_NS = 4 };
    struct aggr_clock *clock = &aggr_clock_system;
    state->settled_ns = clock->monotonic_ns(clock) + LEAST_NS + size / BYTES_PER_NS;
    state->moving = false;
}

static void *counting(void *data, void *block, size_t old_size, size_t new_size)
{
    struct aggr_state *state = data;
    if (state->cap && new_size > old_size && !aggr_cap_grants(state, new_size - old_size))
        return NULL;
    bool may_be_stack = block && old_size >= STACK_LEAST && new_size > 0;
    state->moving = may_be_stack;
    void *moved = state->allocate(state->arena, block, old_size, new_size);
    if (may_be_stack)
        settle(state, new_size);
    if (!moved && new_size > 0)
        return NULL;
    if (block)
        aggr_budget_sub(&state->memory, old_size);
    aggr_budget_add(&state->memory, new_size);
    if (state->cap && new_size > old_size && aggr_cap_used(state) > state->cap->due)
        aggr_cap_crossed(state);
    return moved;
}

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>

static void *from_malloc(void *arena, void *block, size_t old_size, size_t new_size)
{
    (void)arena, (void)old_size;
    if (new_size > 0)
        return realloc(block, new_size);
    free(block);
    return NULL;
}

/* The process may end while the thread still works with it, and LeakSanitizer sees only some of
 * Lua's references. */
static void *from_malloc_in_thread(void *arena, void *block, size_t old_size, size_t new_size)
{
    __lsan_disable();
    void *moved = from_malloc(arena, block, old_size, new_size);
    __lsan_enable();
    return moved;
}

static lua_State *open_lender(const struct aggr_state *state)
{
    return lua_newstate(state->runtime ? from_malloc : from_malloc_in_thread, NULL);
}
#else
static lua_State *open_lender(const struct aggr_state *state)
{
    (void)state;
    return luaL_newstate();
}
#endif

lua_State *aggr_alloc_open(struct aggr_state *state)
{
    state->lender = open_lender(state);
    if (!state->lender)
        return NULL;
    state->allocate = lua_getallocf(state->lender, &state->arena);
    state->L = lua_newstate(counting, state);
    return state->L;
}

void aggr_alloc_close(struct aggr_state *state)
{
    if (state->L)
        lua_close(state->L);
    if (state->lender)
        lua_close(state->lender);
}
