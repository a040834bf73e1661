/* aggr.core.clock: monotonic() and wall(), in seconds, from the one clock of the loop. */
#include "bind/clock.h"
#include "task/sched.h"
#include "task/state.h"
#include <lauxlib.h>

static int l_monotonic(lua_State *L)
{
    struct aggr_loop *loop = aggr_state_of(L)->sched->loop;
    lua_pushnumber(L, (double)aggr_loop_now(loop) / (double)AGGR_NS_PER_S);
    return 1;
}

static int l_wall(lua_State *L)
{
    struct aggr_clock *clock = aggr_state_of(L)->sched->loop->clock;
    lua_pushnumber(L, clock->wall_s(clock));
    return 1;
}

static const luaL_Reg functions[] = {{"monotonic", l_monotonic}, {"wall", l_wall}, {NULL, NULL}};

int aggr_bind_clock(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
