#include "task/vmstate.h"
#include <lauxlib.h>
#include <string.h>

enum {
    GLOBAL_MAX = 512, /* bytes from the main thread to the state that all threads share */
    SCAN_MAX = 1024,  /* bytes of that which are searched; more than that belongs to it */
    WORDS = SCAN_MAX / sizeof(void *),
    HALVES = SCAN_MAX / sizeof(int32_t),
    THREAD_MAX = 96, /* bytes of a lua_State that are searched */
    SLOT_MAX = 16,
    ROOM = LUA_MINSTACK - 4, /* values on a C function's stack when one more fits for certain */
    IN_LUA = ~0,             /* as LuaJIT numbers its states */
    IN_C = ~1,
};

struct search {
    const char *global;
    bool may_be_state[HALVES], may_be_running[WORDS];
};

/* What all threads share begins with the allocator and its user data, right behind the main thread.
 */
static const char *find_global(lua_State *L)
{
    void *wanted[2];
    lua_Alloc allocate = lua_getallocf(L, &wanted[1]);
    memcpy(&wanted[0], &allocate, sizeof allocate);
    const char *at = (const char *)L;
    for (size_t i = 0; i < GLOBAL_MAX; i += sizeof(void *))
        if (memcmp(at + i, wanted, sizeof wanted) == 0)
            return at + i;
    return NULL;
}

/* Drops the words that do not say `state` and `running` now. */
static void narrow(struct search *search, int32_t state, const lua_State *running)
{
    for (size_t i = 0; i < HALVES; i++)
        if (memcmp(search->global + i * sizeof state, &state, sizeof state) != 0)
            search->may_be_state[i] = false;
    for (size_t i = 0; i < WORDS; i++)
        if (memcmp(search->global + i * sizeof(void *), &running, sizeof running) != 0)
            search->may_be_running[i] = false;
}

static int l_narrow(lua_State *L)
{
    narrow(lua_touserdata(L, lua_upvalueindex(1)), IN_C, L);
    return 0;
}

static void on_instruction(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    lua_getfield(L, LUA_REGISTRYINDEX, "aggr.vmstate");
    narrow(lua_touserdata(L, -1), IN_LUA, L);
    lua_pop(L, 1);
}

/* A C function in the main thread; then C function, Lua code and C function in a coroutine. */
static int search_in(lua_State *L)
{
    struct search *search = lua_touserdata(L, 1);
    lua_pushlightuserdata(L, search);
    lua_setfield(L, LUA_REGISTRYINDEX, "aggr.vmstate");
    narrow(search, IN_C, L);
    lua_State *co = lua_newthread(L);
    if (luaL_loadstring(co, "local look = ... look() local n = 1 look(n)") != 0)
        return 0;
    lua_pushlightuserdata(co, search);
    lua_pushcclosure(co, l_narrow, 1);
    lua_sethook(L, on_instruction, LUA_MASKCOUNT, 1);
    lua_resume(co, 1);
    lua_sethook(L, NULL, 0, 0);
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "aggr.vmstate");
    return 0;
}

/* The one that is left, or `count`. */
static size_t only_one(const bool *candidates, size_t count)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        if (candidates[i] && found < count)
            return count;
        if (candidates[i])
            found = i;
    }
    return found;
}

/* The word that a push moves by the size of a slot. */
static void find_top(struct aggr_vmstate *vm, lua_State *L)
{
    const char *before[THREAD_MAX / sizeof(char *)], *after[THREAD_MAX / sizeof(char *)];
    int found = 0;
    memcpy(before, L, sizeof before);
    lua_pushnil(L);
    memcpy(after, L, sizeof after);
    lua_pop(L, 1);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        if (before[i] == after[i])
            continue;
        found++;
        vm->top_offset = i * sizeof *before;
        vm->slot_size = (size_t)((uintptr_t)after[i] - (uintptr_t)before[i]);
    }
    if (found != 1 || vm->slot_size > SLOT_MAX)
        vm->top_offset = vm->slot_size = 0;
}

const void *aggr_vmstate_function(const struct aggr_vmstate *vm, lua_State *co, lua_Debug *ar)
{
    char *top, saved[SLOT_MAX];
    if (vm->slot_size == 0 || lua_gettop(co) > ROOM)
        return NULL;
    memcpy(&top, (const char *)co + vm->top_offset, sizeof top);
    memcpy(saved, top, vm->slot_size);
    lua_getinfo(co, "f", ar);
    const void *function = lua_topointer(co, -1);
    lua_pop(co, 1);
    memcpy(top, saved, vm->slot_size);
    return function;
}

void aggr_vmstate_find(struct aggr_vmstate *vm, lua_State *L)
{
    *vm = (struct aggr_vmstate){0};
    find_top(vm, L);
    struct search search = {.global = find_global(L)};
    if (!search.global)
        return;
    memset(search.may_be_state, true, sizeof search.may_be_state);
    memset(search.may_be_running, true, sizeof search.may_be_running);
    lua_cpcall(L, search_in, &search);
    size_t state = only_one(search.may_be_state, HALVES);
    size_t running = only_one(search.may_be_running, WORDS);
    if (state == HALVES || running == WORDS)
        return;
    vm->state = (const volatile int32_t *)(search.global + state * sizeof(int32_t));
    vm->running = (lua_State *const volatile *)(search.global + running * sizeof(void *));
}

lua_State *aggr_vmstate_asking(const struct aggr_vmstate *vm)
{
    return vm->state && (*vm->state == IN_C || *vm->state == IN_LUA) ? *vm->running : NULL;
}

lua_State *aggr_vmstate_in_c(const struct aggr_vmstate *vm)
{
    return vm->state && *vm->state == IN_C ? *vm->running : NULL;
}
