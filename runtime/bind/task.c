/* aggr.core.task: tasks and waiting, for the library alone.
 *
 *   take()  parked()  check()  current() -> handle  self() -> table  at_top() -> boolean
 *   sleep(seconds)  park(uncancellable?)              then take() or parked() at once
 *   unpark(handle) -> boolean
 *   spawn(scope | nil, fn, table, ...)                table[1] becomes the handle
 *   cancel(handle)                                    that task alone
 *   ending() -> boolean, reason                       does its own scope end a cancellation here;
 * why place(level) -> source, line                      the script's line that called the library
 *   refuse(err)                                       the yield under way cannot get out: R27
 *   install{ blocked =, kill =, deadlock =, stall =, waited = }  CANCEL  SENTINEL  is_cancel(v)
 */
#include "task/task.h"
#include "bind/scope.h"
#include "bind/task.h"
#include "task/await.h"
#include "task/object.h"
#include "task/report.h"
#include "task/sched.h"
#include "task/state.h"
#include <lauxlib.h>

static struct aggr_task *running(lua_State *L)
{
    struct aggr_task *task = aggr_task_current(L);
    if (!task)
        luaL_error(L, "not inside a task");
    return task;
}

static int l_self(lua_State *L)
{
    struct aggr_task *task = aggr_task_current(L);
    if (!task)
        return 0;
    aggr_task_push(L, task);
    return 1;
}

static int l_current(lua_State *L)
{
    aggr_task_push(L, running(L));
    lua_rawgeti(L, -1, 1);
    return 1;
}

static int l_at_top(lua_State *L)
{
    struct aggr_task *task = aggr_task_current(L);
    lua_pushboolean(L, !task || task->co == L);
    return 1;
}

static int l_sleep(lua_State *L)
{
    return aggr_await_sleep(L, luaL_checknumber(L, 1));
}

static int l_park(lua_State *L)
{
    return aggr_await_park(L, lua_toboolean(L, 1));
}

static int l_unpark(lua_State *L)
{
    lua_pushboolean(L, aggr_await_unpark(aggr_task_of(L, 1)));
    return 1;
}

static int l_spawn(lua_State *L)
{
    struct aggr_sched *sched = aggr_state_of(L)->sched;
    struct aggr_scope *scope = lua_isnil(L, 1) ? &sched->root : aggr_bind_scope_at(L, 1);
    aggr_task_spawn(L, scope, 2);
    return 0;
}

static int l_cancel(lua_State *L)
{
    struct aggr_task *task = aggr_task_of(L, 1);
    if (task)
        aggr_scope_cancel(&task->own, AGGR_REASON_CANCELLED);
    return 0;
}

/* Whether the running task's own scope ends a cancellation here (trio's rule), and what for the
 * task is cancelled at all. */
static int l_ending(lua_State *L)
{
    struct aggr_task *task = running(L);
    struct aggr_scope *cancelled = aggr_scope_cancelled(&task->own);
    bool own = task->own.reason != AGGR_REASON_NONE && !aggr_scope_outer_cancelled(&task->own);
    lua_pushboolean(L, own);
    lua_pushstring(L, aggr_reason_name(cancelled ? cancelled->reason : AGGR_REASON_CANCELLED));
    return 2;
}

static int l_place(lua_State *L)
{
    lua_Debug ar;
    if (!aggr_report_line(L, (int)luaL_optinteger(L, 1, 1), &ar))
        return 0;
    lua_pushstring(L, ar.source);
    lua_pushinteger(L, ar.currentline);
    return 2;
}

static int l_refuse(lua_State *L)
{
    lua_settop(L, 1);
    aggr_task_interrupt(running(L), L);
    return 0;
}

static int l_is_cancel(lua_State *L)
{
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, aggr_state_of(L)->sched->cancel_token);
    lua_pushboolean(L, lua_rawequal(L, 1, 2));
    return 1;
}

static int l_install(lua_State *L)
{
    static const char *const names[AGGR_SCHED_HOOKS] = {"blocked", "kill", "deadlock", "stall",
                                                        "waited"};
    struct aggr_sched *sched = aggr_state_of(L)->sched;
    for (int i = 0; i < AGGR_SCHED_HOOKS; i++) {
        lua_getfield(L, 1, names[i]);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        luaL_unref(L, LUA_REGISTRYINDEX, sched->hooks[i]);
        sched->hooks[i] = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    return 0;
}

static const luaL_Reg functions[] = {
    {"take", aggr_await_take},
    {"parked", aggr_await_parked},
    {"check", aggr_task_check},
    {"self", l_self},
    {"current", l_current},
    {"at_top", l_at_top},
    {"sleep", l_sleep},
    {"park", l_park},
    {"unpark", l_unpark},
    {"spawn", l_spawn},
    {"cancel", l_cancel},
    {"ending", l_ending},
    {"place", l_place},
    {"refuse", l_refuse},
    {"is_cancel", l_is_cancel},
    {"install", l_install},
    {NULL, NULL},
};

static int l_token_tostring(lua_State *L)
{
    lua_pushliteral(L, "aggr: cancelled");
    return 1;
}

static void push_token(lua_State *L, struct aggr_sched *sched)
{
    lua_newuserdata(L, 0);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, l_token_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "aggr.cancel");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    sched->cancel_token = luaL_ref(L, LUA_REGISTRYINDEX);
}

int aggr_bind_task(lua_State *L)
{
    struct aggr_sched *sched = aggr_state_of(L)->sched;
    lua_newtable(L);
    sched->anchors = luaL_ref(L, LUA_REGISTRYINDEX);
    aggr_object_define(L, AGGR_OBJECT_TASK);
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    push_token(L, sched);
    lua_setfield(L, -2, "CANCEL");
    aggr_await_push_sentinel(L);
    lua_setfield(L, -2, "SENTINEL");
    return 1;
}
