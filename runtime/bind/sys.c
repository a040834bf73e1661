/* aggr.core.sys -- small questions to the system.
 *
 *   monotonic() wall()  seconds                 random()      in [0, 1)
 *   env(name)           string | nil            stderr(text)  written at once
 *   isatty(fd)          boolean                 cwd()         string | nil
 */
#include "bind/sys.h"

#include "io/replace.h"
#include "io/runtime.h"
#include "task/state.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static int l_monotonic(lua_State *L)
{
    uint64_t now = aggr_loop_now(&aggr_state_runtime(L)->loop);
    lua_pushnumber(L, (lua_Number)now / (lua_Number)AGGR_NS_PER_S);
    return 1;
}

static int l_wall(lua_State *L)
{
    const struct aggr_runtime *rt = aggr_state_runtime(L); /* NULL in threads of aggr.work */
    struct aggr_clock *clock = rt ? rt->clock : &aggr_clock_system;
    lua_pushnumber(L, clock->wall_s(clock));
    return 1;
}

static int l_random(lua_State *L)
{
    lua_pushnumber(L, aggr_rng_uniform(&aggr_state_runtime(L)->rng));
    return 1;
}

static int l_env(lua_State *L)
{
    lua_pushstring(L, getenv(luaL_checkstring(L, 1)));
    return 1;
}

static int l_stderr(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    (void)aggr_replace_write(STDERR_FILENO, text, len);
    return 0;
}

static int l_isatty(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

static int l_cwd(lua_State *L)
{
    char path[PATH_MAX];
    lua_pushstring(L, getcwd(path, sizeof path));
    return 1;
}

int aggr_bind_sys(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"monotonic", l_monotonic}, {"wall", l_wall},     {"random", l_random}, {"env", l_env},
        {"stderr", l_stderr},       {"isatty", l_isatty}, {"cwd", l_cwd},       {NULL, NULL}};
    lua_createtable(L, 0, sizeof functions / sizeof *functions);
    luaL_register(L, NULL, functions);
    return 1;
}
