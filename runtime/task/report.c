#include "task/report.h"
#include "task/sched.h"
#include "task/task.h"
#include <lauxlib.h>
#include <string.h>

/* What the chunk names of the library begin with: see lua/embed.lua. */
static const char library[] = "=(aggr) ";

bool aggr_report_is_library(const lua_Debug *ar)
{
    return strncmp(ar->source, library, sizeof library - 1) == 0;
}

void aggr_report_push_place(lua_State *L, const lua_Debug *ar)
{
    bool named = *ar->source == '@' || *ar->source == '=';
    lua_pushfstring(L, "%s:%d", named ? ar->source + 1 : ar->short_src, ar->currentline);
}

bool aggr_report_line(lua_State *co, int level, lua_Debug *ar)
{
    for (; lua_getstack(co, level, ar); level++)
        if (lua_getinfo(co, "Sl", ar) && ar->currentline > 0 && !aggr_report_is_library(ar))
            return true;
    return false;
}

static void push_place(lua_State *L, const struct aggr_task *task)
{
    lua_Debug ar;
    if (aggr_report_line(task->waiting, 0, &ar) || aggr_report_line(task->co, 0, &ar))
        lua_pushfstring(L, "%s:%d: %s", ar.short_src, ar.currentline, task->wait->ops->name);
    else
        lua_pushfstring(L, "%s", task->wait->ops->name);
}

static int interrupt_main(lua_State *L)
{
    struct aggr_sched *sched = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, sched->hooks[AGGR_SCHED_ON_DEADLOCK]);
    lua_newtable(L);
    int count = 0;
    for (struct aggr_list *at = sched->tasks.next; at != &sched->tasks; at = at->next) {
        struct aggr_task *task = AGGR_LIST_ENTRY(at, struct aggr_task, all);
        if (!task->wait)
            continue;
        push_place(L, task);
        lua_rawseti(L, -2, ++count);
    }
    lua_call(L, 1, 1);
    aggr_task_interrupt(sched->main, L);
    return 0;
}

bool aggr_report_deadlock(struct aggr_sched *sched)
{
    lua_State *L = sched->L;
    if (!sched->main || sched->main->state != AGGR_TASK_WAITING)
        return false;
    lua_pushcfunction(L, interrupt_main);
    lua_pushlightuserdata(L, sched);
    if (lua_pcall(L, 1, 0, 0) == 0)
        return true;
    lua_pop(L, 1);
    return false;
}
