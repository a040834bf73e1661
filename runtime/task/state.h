/* state.h -- what hangs on a lua_State: found from any coroutine of it, without a static.
 *
 * The allocator's user data of every state we run is its `struct aggr_state`; the vm owns it. */
#pragma once
#include "base/budget.h"
#include "base/list.h"
#include "task/names.h"
#include "task/object.h"
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aggr_cap;
struct aggr_runtime;
struct aggr_sched;
struct aggr_worker_ops;
struct aggr_watchdog;

struct aggr_state {
    lua_State *L;                 /* the main thread */
    struct aggr_sched *sched;     /* owned by the vm */
    struct aggr_runtime *runtime; /* borrowed; NULL in a thread of aggr.work */
    struct aggr_budget memory;    /* allocated by Lua */
    struct aggr_cap *cap;         /* owned by the vm; NULL: it may be any amount */
    lua_State *lender;            /* an empty state, whose allocator L borrows (vm/alloc.h) */
    lua_Alloc allocate;
    void *arena;
    int metatables[AGGR_OBJECTS];   /* registry references */
    volatile bool moving;           /* a block that may be a Lua stack is being reallocated */
    volatile int finalizers;        /* of scripts that are running: no hook fires in them */
    volatile uint64_t settled_ns;   /* from then on everybody knows where it is */
    void *out;                      /* of bind/out.c */
    struct aggr_watchdog *watchdog; /* owned by the vm; NULL when nobody watches */
    struct aggr_names names;        /* of the functions that scripts find in their globals */
    const struct aggr_worker_ops *workers; /* of bind/work; NULL in their own states */
    struct aggr_list abandoned;            /* of bind/work */
    void *run;                             /* struct aggr_run while one is under way (vm/run.h) */
};

static inline struct aggr_state *aggr_state_of(lua_State *L)
{
    void *state;
    lua_getallocf(L, &state);
    return state;
}

/* The runtime (io/runtime.h) that coroutine `L` belongs to. */
static inline struct aggr_runtime *aggr_state_runtime(lua_State *L)
{
    return aggr_state_of(L)->runtime;
}
