/* aggr.core.guard: what the library tells those who watch tasks, and asks them.
 *
 *   name(fn, "os.execute")   what messages call a function; fn must stay alive
 *   allow_kills(boolean)     whether tasks are killed that keep the loop for too long, or too much
 *                            memory
 *   memory() -> { heap, peak_heap, peak_buffered = bytes; tasks = but the running one, peak_tasks }
 *   recover()                collects what the running task, killed for memory, has left behind
 *   finalize(fn, object)     calls a finalizer of a script's, protected: pcall's results
 *   noticed() -> boolean     the running slice of the task is a stall, or nearly
 */
#include "bind/guard.h"

#include "task/cap.h"
#include "task/sched.h"
#include "task/state.h"
#include "task/watchdog.h"

#include <lauxlib.h>

static int l_name(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    aggr_names_add(&aggr_state_of(L)->names, lua_topointer(L, 1), luaL_checkstring(L, 2));
    return 0;
}

static int l_allow_kills(lua_State *L)
{
    struct aggr_state *state = aggr_state_of(L);
    luaL_checktype(L, 1, LUA_TBOOLEAN);
    bool allow = lua_toboolean(L, 1);
    if (state->watchdog)
        aggr_watchdog_allow_kills(state->watchdog, allow);
    if (state->cap)
        aggr_cap_allow_kills(state->cap, allow);
    if (!allow)
        aggr_kill_revoke(state->sched);
    return 0;
}

static int l_recover(lua_State *L)
{
    if (aggr_state_of(L)->cap)
        aggr_cap_recover(aggr_state_of(L)->cap, L);
    return 0;
}

static void set_number(lua_State *L, const char *name, size_t number)
{
    lua_pushnumber(L, (lua_Number)number);
    lua_setfield(L, -2, name);
}

static int l_memory(lua_State *L)
{
    const struct aggr_state *state = aggr_state_of(L);
    lua_createtable(L, 0, 5);
    set_number(L, "heap", state->memory.used);
    set_number(L, "peak_heap", state->memory.peak);
    set_number(L, "peak_buffered", state->runtime->backlog.held.peak);
    set_number(L, "tasks", state->sched->live - 1);
    set_number(L, "peak_tasks", state->sched->peak);
    return 1;
}

static int l_finalize(lua_State *L)
{
    struct aggr_state *state = aggr_state_of(L);
    state->finalizers++;
    bool failed = lua_pcall(L, lua_gettop(L) - 1, 0, 0) != 0;
    state->finalizers--;
    lua_pushboolean(L, !failed);
    lua_insert(L, 1);
    return lua_gettop(L);
}

static int l_noticed(lua_State *L)
{
    const struct aggr_watchdog *watchdog = aggr_state_of(L)->watchdog;
    lua_pushboolean(L, watchdog && aggr_watchdog_noticed(watchdog));
    return 1;
}

int aggr_bind_guard(lua_State *L)
{
    static const luaL_Reg functions[] = {{"name", l_name},
                                         {"allow_kills", l_allow_kills},
                                         {"finalize", l_finalize},
                                         {"noticed", l_noticed},
                                         {"memory", l_memory},
                                         {"recover", l_recover},
                                         {NULL, NULL}};
    lua_createtable(L, 0, sizeof functions / sizeof *functions);
    luaL_register(L, NULL, functions);
    return 1;
}
