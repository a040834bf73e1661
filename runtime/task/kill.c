#include "task/kill.h"
#include "base/clock.h"
#include "task/await.h"
#include "task/interrupt.h"
#include "task/report.h"
#include "task/sched.h"
#include "task/state.h"
#include "task/task.h"
#include <lauxlib.h>
#include <string.h>

/* The library is not left in the middle of what it does for so long: it hardly ever takes longer
 * to be done. */
static const uint64_t HELD_BACK_NS = 10 * AGGR_NS_PER_MS;

enum { DEEPEST = 8 }; /* coroutines of a task inside one another whose stacks are told */

static const struct aggr_kill plain = {.kind = AGGR_ERR_SCRIPT, .message = "the task was killed"};

static uint64_t now_ns(void)
{
    return aggr_clock_system.monotonic_ns(&aggr_clock_system);
}

static bool in_library(lua_State *L)
{
    lua_Debug ar;
    for (int level = 0; lua_getstack(L, level, &ar); level++)
        if (lua_getinfo(L, "Sl", &ar) && ar.currentline > 0)
            return aggr_report_is_library(&ar);
    return false;
}

static void on_break(lua_State *L, lua_Debug *ar)
{
    struct aggr_sched *sched = aggr_state_of(L)->sched;
    struct aggr_task *task = sched->current;
    (void)ar;
    sched->interrupt.fired++;
    if (!task)
        return;
    /* Once it has been raised, what catches it in the library must not go on either. */
    if (!task->placed && now_ns() < sched->break_due_ns && in_library(L))
        return;
    aggr_kill_keep_place(L, task, L);
    /* No handler of a script's may see it: LuaJIT would run that one without hooks. */
    aggr_await_raise_cancel(L);
}

void aggr_kill_break(struct aggr_sched *sched, bool at_once)
{
    if (at_once || sched->break_due_ns == 0)
        sched->break_due_ns = at_once ? 1 : now_ns() + HELD_BACK_NS;
    aggr_interrupt_set(&sched->interrupt, sched->L, on_break);
}

void aggr_kill_revoke(struct aggr_sched *sched)
{
    struct aggr_task *task = sched->current;
    if (!task || !task->killed || task->placed)
        return;
    task->killed = false;
    task->kill = NULL;
    sched->break_due_ns = 0;
    aggr_interrupt_clear(sched->L);
}

/* The coroutine that `co` has resumed, or NULL: it stands in coroutine.resume then, with the other
 * as its first argument. */
static lua_State *resumed_by(lua_State *co)
{
    lua_Debug ar;
    if (!lua_getstack(co, 0, &ar) || !lua_getinfo(co, "S", &ar) || *ar.what != 'C' ||
        !lua_getlocal(co, &ar, 1))
        return NULL;
    lua_State *inner = lua_tothread(co, -1);
    lua_pop(co, 1);
    return inner;
}

/* The coroutines from the task's own to `innermost`, of many the last; how many. */
static int find_chain(struct aggr_task *task, lua_State *innermost, lua_State *chain[DEEPEST])
{
    int count = 0;
    for (lua_State *co = task->co; co && co != innermost; co = resumed_by(co)) {
        if (count == DEEPEST - 1)
            memmove(chain, chain + 1, (size_t)--count * sizeof *chain);
        chain[count++] = co;
    }
    chain[count++] = innermost;
    return count;
}

static void set_text(lua_State *L, int table, const char *name, const char *text)
{
    if (!text[0])
        return;
    lua_pushstring(L, text);
    lua_setfield(L, table, name);
}

void aggr_kill_keep_place(lua_State *L, struct aggr_task *task, lua_State *innermost)
{
    if (task->placed)
        return;
    task->placed = true;
    lua_State *chain[DEEPEST];
    int count = find_chain(task, innermost, chain);
    luaL_checkstack(L, 2 * DEEPEST + LUA_MINSTACK, "to tell where a task was killed");
    aggr_task_push(L, task);
    int table = lua_gettop(L);
    bool found = false;
    for (int i = count - 1; i >= 0; i--) {
        lua_Debug ar;
        if (!found && (found = aggr_report_line(chain[i], 0, &ar))) {
            aggr_report_push_place(L, &ar);
            lua_setfield(L, table, "killed_at");
        }
        luaL_traceback(L, chain[i], i < count - 1 ? "in the coroutine outside of it:" : NULL, 0);
        if (i > 0)
            lua_pushliteral(L, "\n");
    }
    lua_concat(L, lua_gettop(L) - table);
    lua_setfield(L, table, "killed_traceback");
    if (task->kill) { /* which knows better than the stacks */
        set_text(L, table, "killed_at", task->kill->where);
        set_text(L, table, "killed_traceback", task->kill->traceback);
    }
    lua_settop(L, table - 1);
}

static void move_field(lua_State *L, int from, const char *name, const char *to)
{
    lua_getfield(L, from, name);
    lua_setfield(L, -2, to);
    lua_pushnil(L);
    lua_setfield(L, from, name);
}

void aggr_kill_push_cause(lua_State *L, struct aggr_task *task)
{
    const struct aggr_kill *kill = task->kill ? task->kill : &plain;
    aggr_task_push(L, task);
    int table = lua_gettop(L);
    lua_createtable(L, 0, 5);
    lua_pushstring(L, aggr_err_kind(kill->kind));
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, kill->message);
    lua_setfield(L, -2, "message");
    if (kill->hint[0]) {
        lua_pushstring(L, kill->hint);
        lua_setfield(L, -2, "hint");
    }
    move_field(L, table, "killed_at", "where");
    move_field(L, table, "killed_traceback", "traceback");
    lua_remove(L, table);
    task->kill = NULL;
    task->placed = false;
}
