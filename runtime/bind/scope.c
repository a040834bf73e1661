/* aggr.core.scope: the tree of scopes, for the library alone. Seconds are numbers.
 *
 *   open(deadline | nil, shield | nil, timeout | nil) -> scope
 *                              a child of the current one, which it becomes
 *   close(scope) -> reason | nil
 *                              must be the current one, its tasks have ended
 *   unwind(scope | nil)        closes what is open inside of it (nil: all of the task's)
 *   cancel(scope, reason | nil)
 *   reason(scope) -> nil | "cancelled" | "deadline" | "signal"
 *   outer_cancelled(scope) -> boolean
 *                              a cancellation from outside is visible
 *   cut_short(scope) -> boolean
 *                              the run is, it shows, and the main task opened scope
 *   timeout() -> seconds | nil
 *   remaining() -> seconds | nil
 *                              to the nearest visible deadline
 *   defer_budget(seconds) -> seconds
 *                              what is left for deferred functions (R20)
 */
#include "bind/scope.h"
#include "task/object.h"
#include "task/sched.h"
#include "task/state.h"
#include "task/task.h"
#include <lauxlib.h>

static struct aggr_task *running(lua_State *L)
{
    struct aggr_task *task = aggr_task_current(L);
    if (!task)
        luaL_error(L, "not inside a task");
    return task;
}

static struct aggr_task_scope *opened_at(lua_State *L, int index)
{
    struct aggr_task_scope **box = aggr_object_check(L, index, AGGR_OBJECT_SCOPE);
    if (!*box)
        luaL_error(L, "the scope is closed");
    return *box;
}

struct aggr_scope *aggr_bind_scope_at(lua_State *L, int index)
{
    return &opened_at(L, index)->scope;
}

static int l_open(lua_State *L)
{
    struct aggr_task *task = running(L);
    bool has_deadline = !lua_isnoneornil(L, 1);
    double deadline_s = luaL_optnumber(L, 1, 0);
    double shield_s = luaL_optnumber(L, 2, -1);
    double timeout_s = luaL_optnumber(L, 3, -1);
    struct aggr_task_scope **box = aggr_object_new(L, AGGR_OBJECT_SCOPE, sizeof *box);
    *box = NULL;
    struct aggr_scope *scope = &aggr_task_open_scope(task, box)->scope;
    scope->timeout_s = timeout_s;
    aggr_scope_set_shield(scope, shield_s);
    if (has_deadline)
        aggr_scope_set_deadline(scope, deadline_s);
    return 1;
}

static int l_reason(lua_State *L)
{
    lua_pushstring(L, aggr_reason_name(aggr_bind_scope_at(L, 1)->reason));
    return 1;
}

static int l_close(lua_State *L)
{
    struct aggr_scope *scope = aggr_bind_scope_at(L, 1);
    struct aggr_task *task = running(L);
    if (task->member.scope != scope || !aggr_list_empty(&scope->children))
        return luaL_error(L, "the scope is not the innermost one, or has tasks");
    enum aggr_reason reason = scope->reason;
    aggr_task_close_scope(task);
    lua_pushstring(L, aggr_reason_name(reason));
    return 1;
}

static int l_unwind(lua_State *L)
{
    struct aggr_task *task = running(L);
    struct aggr_scope *until = lua_isnoneornil(L, 1) ? &task->own : aggr_bind_scope_at(L, 1);
    while (task->member.scope != until) {
        if (!aggr_list_empty(&task->member.scope->children))
            return luaL_error(L, "the scope has tasks");
        if (!aggr_task_close_scope(task))
            return luaL_error(L, "the scope is not this task's");
    }
    return 0;
}

static enum aggr_reason reason_named(lua_State *L, int index)
{
    static const char *const names[] = {"cancelled", "deadline", "signal", NULL};
    return AGGR_REASON_CANCELLED + luaL_checkoption(L, index, "cancelled", names);
}

static int l_cancel(lua_State *L)
{
    struct aggr_scope *scope = aggr_bind_scope_at(L, 1);
    aggr_scope_cancel(scope, reason_named(L, 2));
    return 0;
}

static int l_outer_cancelled(lua_State *L)
{
    lua_pushboolean(L, aggr_scope_outer_cancelled(aggr_bind_scope_at(L, 1)) != NULL);
    return 1;
}

/* Is the cancelled scope seen from here the root, whatever else is cancelled in between? */
static int l_cut_short(lua_State *L)
{
    struct aggr_task_scope *opened = opened_at(L, 1);
    struct aggr_sched *sched = aggr_state_of(L)->sched;
    bool seen = opened->of_main && sched->root.reason != AGGR_REASON_NONE;
    for (struct aggr_scope *at = &opened->scope; seen && at; at = at->parent)
        seen = !at->shielded;
    lua_pushboolean(L, seen);
    return 1;
}

static int l_timeout(lua_State *L)
{
    double seconds = aggr_scope_timeout(running(L)->member.scope);
    if (seconds < 0)
        return 0;
    lua_pushnumber(L, seconds);
    return 1;
}

static int l_remaining(lua_State *L)
{
    struct aggr_task *task = running(L);
    uint64_t due = aggr_scope_due(task->member.scope);
    if (due == AGGR_NEVER)
        return 0;
    uint64_t now = aggr_loop_now(task->sched->loop);
    lua_pushnumber(L, due > now ? (double)(due - now) / (double)AGGR_NS_PER_S : 0);
    return 1;
}

static int l_defer_budget(lua_State *L)
{
    struct aggr_task *task = running(L);
    lua_pushnumber(L, aggr_scope_defer_budget(task->member.scope, luaL_checknumber(L, 1)));
    return 1;
}

static const luaL_Reg functions[] = {
    {"open", l_open},
    {"close", l_close},
    {"unwind", l_unwind},
    {"cancel", l_cancel},
    {"reason", l_reason},
    {"outer_cancelled", l_outer_cancelled},
    {"cut_short", l_cut_short},
    {"timeout", l_timeout},
    {"remaining", l_remaining},
    {"defer_budget", l_defer_budget},
    {NULL, NULL},
};

int aggr_bind_scope(lua_State *L)
{
    aggr_object_define(L, AGGR_OBJECT_SCOPE);
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
