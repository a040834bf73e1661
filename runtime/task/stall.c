#include "task/stall.h"
#include "io/runtime.h"
#include "task/sched.h"
#include "task/task.h"
#include <lauxlib.h>

void aggr_stalls_init(struct aggr_stalls *stalls, struct aggr_runtime *runtime,
                      struct aggr_sched *sched)
{
    *stalls = (struct aggr_stalls){.runtime = runtime, .sched = sched};
}

struct call {
    struct aggr_stalls *stalls;
    const struct aggr_stall *stall;
};

static int call_add(lua_State *L)
{
    const struct call *call = lua_touserdata(L, 1);
    const struct aggr_stall *stall = call->stall;
    struct aggr_sched *sched = call->stalls->sched;
    lua_rawgeti(L, LUA_REGISTRYINDEX, sched->hooks[AGGR_SCHED_ON_STALL]);
    aggr_task_push(L, sched->current);
    lua_createtable(L, 0, 8);
    lua_pushnumber(L, stall->seconds);
    lua_setfield(L, -2, "seconds");
    lua_pushstring(L, stall->busy ? "cpu" : "blocked");
    lua_setfield(L, -2, "cause");
    lua_pushboolean(L, stall->mostly);
    lua_setfield(L, -2, "mostly");
    lua_pushboolean(L, stall->killed);
    lua_setfield(L, -2, "killed");
    lua_pushstring(L, stall->place.where);
    lua_setfield(L, -2, "where");
    lua_pushstring(L, stall->place.called);
    lua_setfield(L, -2, "fn");
    lua_call(L, 2, 0);
    return 0;
}

static int call_waited(lua_State *L)
{
    const struct call *call = lua_touserdata(L, 1);
    const struct aggr_late *late = &call->stalls->late;
    lua_rawgeti(L, LUA_REGISTRYINDEX, call->stalls->sched->hooks[AGGR_SCHED_ON_WAITED]);
    lua_pushinteger(L, (lua_Integer)late->count);
    lua_createtable(L, AGGR_LATE_URLS, 0);
    for (unsigned i = 0; i < late->count && i < AGGR_LATE_URLS; i++) {
        lua_pushstring(L, late->urls[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_call(L, 2, 0);
    return 0;
}

/* Whatever goes wrong in telling of a stall must not harm the run. */
static void call_library(lua_State *L, lua_CFunction function, struct call *call)
{
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, call);
    if (lua_pcall(L, 1, 0, 0) != 0)
        lua_pop(L, 1);
}

void aggr_stalls_add(struct aggr_stalls *stalls, const struct aggr_stall *stall)
{
    struct call call = {.stalls = stalls, .stall = stall};
    call_library(stalls->sched->L, call_add, &call);
}

void aggr_stalls_before_turn(struct aggr_stalls *stalls)
{
    aggr_late_begin(&stalls->late);
    stalls->runtime->late = &stalls->late;
}

void aggr_stalls_after_turn(struct aggr_stalls *stalls)
{
    stalls->runtime->late = NULL;
    struct call call = {.stalls = stalls};
    call_library(stalls->sched->L, call_waited, &call);
}
