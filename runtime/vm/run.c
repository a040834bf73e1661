#include "vm/run.h"
#include "task/sched.h"
#include "task/state.h"
#include "task/task.h"
#include "vm/loader.h"
#include <lauxlib.h>
#include <string.h>

enum { CODE_INTERNAL = 70 };

/* (module, arguments...) -> the main task's table. The main function is the module, or the first
 * argument when there is none. */
static int spawn_main(lua_State *L)
{
    const char *module = lua_touserdata(L, 1);
    aggr_loader_require(L, "aggr.scope");
    lua_getfield(L, -1, "spawn_root");
    lua_replace(L, 1);
    lua_pop(L, 1);
    if (module) {
        aggr_loader_require(L, module);
        lua_insert(L, 2);
    }
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

/* (table) -> code, text */
static int read_result(lua_State *L)
{
    lua_getfield(L, 1, "value");
    lua_getfield(L, 1, "error");
    lua_getfield(L, 1, "state");
    const char *state = lua_tostring(L, 4);
    if (state && strcmp(state, "ok") == 0) {
        lua_settop(L, 2);
        lua_pushliteral(L, "");
        return 2;
    }
    lua_pushinteger(L, CODE_INTERNAL);
    if (lua_isnil(L, 3)) {
        lua_pushliteral(L, "the main task was cancelled");
        return 2;
    }
    lua_getglobal(L, "tostring");
    lua_pushvalue(L, 3);
    lua_call(L, 1, 1);
    return 2;
}

static void keep_text(lua_State *L, struct aggr_run_result *result)
{
    const char *text = lua_tostring(L, -1);
    snprintf(result->text, sizeof result->text, "%s", text ? text : "the main task failed");
}

struct aggr_run_result aggr_run_main(struct aggr_vm *vm, const char *module, int nargs)
{
    struct aggr_run_result result = {.code = CODE_INTERNAL};
    lua_State *L = aggr_vm_lua(vm);
    struct aggr_state *state = aggr_state_of(L);
    struct aggr_sched *sched = state->sched;
    int base = lua_gettop(L) - nargs;
    lua_pushcfunction(L, spawn_main);
    lua_insert(L, base + 1);
    lua_pushlightuserdata(L, (void *)module);
    lua_insert(L, base + 2);
    if (lua_pcall(L, nargs + 1, 1, 0) != 0) {
        keep_text(L, &result);
        lua_settop(L, base);
        return result;
    }
    sched->main = AGGR_LIST_ENTRY(sched->tasks.prev, struct aggr_task, all);
    state->run = &result;
    while (aggr_sched_step(sched))
        continue;
    state->run = NULL;
    lua_pushcfunction(L, read_result);
    lua_insert(L, -2);
    if (lua_pcall(L, 1, 2, 0) == 0 && lua_isnumber(L, -2))
        result.code = (int)lua_tointeger(L, -2);
    keep_text(L, &result);
    lua_settop(L, base);
    return result;
}

void aggr_run_cancel(struct aggr_vm *vm, enum aggr_reason reason)
{
    struct aggr_state *state = aggr_state_of(aggr_vm_lua(vm));
    if (state->run)
        aggr_scope_cancel(&state->sched->root, reason);
}
