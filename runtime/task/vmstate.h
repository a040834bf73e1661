/* vmstate.h -- words of LuaJIT's that tell a signal handler where the VM is: is it inside of a C
 * function, which coroutine runs, and where does its stack end?
 *
 * No public function tells, so the words are looked for in the memory of and behind the main thread
 * while the answers are known, and taken only when there is exactly one of each. Without them we
 * just know less: nobody asks a state that may be in the middle of a change.
 */
#pragma once
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aggr_vmstate {
    const volatile int32_t *state;      /* NULL: not found */
    lua_State *const volatile *running; /* NULL: not found */
    size_t top_offset, slot_size; /* of a lua_State's top, of what it points to; 0: not found */
};

/* Looks for them. `L`: the main thread, outside of any call. */
void aggr_vmstate_find(struct aggr_vmstate *vm, lua_State *L);

/* The coroutine whose C function is running, with its stack as that function has left it, or NULL:
 * Lua code runs, compiled or not, or the VM itself is at work. Only to be relied on when no Lua
 * code has run for a while: a call that is just returning looks the same for some instructions. */
lua_State *aggr_vmstate_in_c(const struct aggr_vmstate *vm);

/* In an allocator: the coroutine that asks for memory, with its stack in order. NULL: compiled code
 * does, or the VM itself. */
lua_State *aggr_vmstate_asking(const struct aggr_vmstate *vm);

/* The function at the level of `co` that `ar` is of, as lua_topointer gives it; NULL: not to be
 * told. A C function that is interrupted may be about to count a value as pushed: it stays. */
const void *aggr_vmstate_function(const struct aggr_vmstate *vm, lua_State *co, lua_Debug *ar);
