/* aggr.core.audit -- what a run leaves behind. All but is_on raise without --audit.
 *
 *   is_on() -> boolean
 *   begin()                      the script begins
 *   opened(file, what) -> key    a file, by the line that runs now
 *   closed(key)
 *   jobs() -> number             under way on threads
 *   close_idle()                 connections; nothing when requests are in flight
 *   find()                       the script has ended: notes what it has left
 *   result() -> { created = { tasks = 1, … }, left = { tasks = 0, … },
 *                 leftovers = { { row, place | nil, what | nil, count } } }
 */
#include "bind/audit.h"
#include "io/runtime.h"
#include "task/audit.h"
#include "task/state.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

static struct aggr_ledger *ledger_of(lua_State *L)
{
    return &aggr_state_runtime(L)->loop.ledger;
}

static struct aggr_audit *check_audit(lua_State *L)
{
    struct aggr_audit *audit = aggr_audit_of(ledger_of(L));
    if (!audit)
        luaL_error(L, "no audit is kept");
    return audit;
}

static int l_is_on(lua_State *L)
{
    lua_pushboolean(L, aggr_audit_of(ledger_of(L)) != NULL);
    return 1;
}

static int l_begin(lua_State *L)
{
    aggr_audit_begin(check_audit(L));
    return 0;
}

static int l_opened(lua_State *L)
{
    struct aggr_audit *audit = check_audit(L);
    FILE **file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    const char *what = luaL_checkstring(L, 2);
    int fd = fileno(*file);
    aggr_audit_running(audit, L);
    aggr_ledger_made(ledger_of(L), AGGR_LEDGER_DESCRIPTORS, (uintptr_t)fd, 1, what);
    aggr_audit_running(audit, NULL);
    lua_pushinteger(L, fd);
    return 1;
}

static int l_closed(lua_State *L)
{
    check_audit(L);
    aggr_ledger_gone(ledger_of(L), AGGR_LEDGER_DESCRIPTORS, (uintptr_t)luaL_checkinteger(L, 1), 1);
    return 0;
}

static int l_jobs(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)aggr_audit_open(check_audit(L), AGGR_LEDGER_JOBS));
    return 1;
}

static int l_close_idle(lua_State *L)
{
    struct aggr_runtime *rt = aggr_state_runtime(L);
    check_audit(L);
    if (rt->fetches == 0)
        aggr_router_close_idle(&rt->router);
    return 0;
}

static int l_find(lua_State *L)
{
    struct aggr_audit *audit = check_audit(L);
    aggr_audit_running(audit, L);
    aggr_audit_find(audit, AGGR_AUDIT_SCRIPT_ENDED);
    aggr_audit_running(audit, NULL);
    return 0;
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (!text[0])
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, uint64_t number)
{
    lua_pushnumber(L, (lua_Number)number);
    lua_setfield(L, -2, name);
}

static void push_leftovers(lua_State *L, const struct aggr_list *all)
{
    int count = 0;
    lua_newtable(L);
    for (const struct aggr_list *at = all->next; at != all; at = at->next) {
        const struct aggr_leftover *left = AGGR_LIST_ENTRY(at, const struct aggr_leftover, link);
        lua_createtable(L, 0, 4);
        set_text(L, "row", aggr_audit_row_name(left->row));
        set_text(L, "place", left->place);
        set_text(L, "what", left->what);
        set_number(L, "count", left->count);
        lua_rawseti(L, -2, ++count);
    }
}

static int l_result(lua_State *L)
{
    const struct aggr_audit *audit = check_audit(L);
    lua_createtable(L, 0, 3);
    lua_createtable(L, 0, AGGR_LEDGER_ROWS);
    lua_createtable(L, 0, AGGR_LEDGER_ROWS);
    for (int row = 0; row < AGGR_LEDGER_ROWS; row++) {
        set_number(L, aggr_audit_row_name(row), aggr_audit_left(audit, row));
        lua_insert(L, -2);
        if (aggr_audit_row_counted(row))
            set_number(L, aggr_audit_row_name(row), aggr_audit_ledger(audit)->made[row]);
        lua_insert(L, -2);
    }
    lua_setfield(L, -3, "left");
    lua_setfield(L, -2, "created");
    push_leftovers(L, aggr_audit_leftovers(audit));
    lua_setfield(L, -2, "leftovers");
    return 1;
}

static const luaL_Reg functions[] = {
    {"is_on", l_is_on},   {"begin", l_begin},   {"opened", l_opened},
    {"closed", l_closed}, {"jobs", l_jobs},     {"close_idle", l_close_idle},
    {"find", l_find},     {"result", l_result}, {NULL, NULL},
};

int aggr_bind_audit(lua_State *L)
{
    lua_createtable(L, 0, sizeof functions / sizeof *functions);
    luaL_register(L, NULL, functions);
    return 1;
}
