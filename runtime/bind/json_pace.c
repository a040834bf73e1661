#include "bind/json_pace.h"

enum { DUE = 2 }; /* a collection begins when the memory in use is so many times the floor */

static int used_kb(lua_State *L)
{
    return lua_gc(L, LUA_GCCOUNT, 0);
}

void aggr_json_pace_init(struct aggr_json_pace *pace, lua_State *L)
{
    *pace = (struct aggr_json_pace){.floor_kb = used_kb(L)};
}

void aggr_json_pace_rest(struct aggr_json_pace *pace, lua_State *L)
{
    pace->resting = lua_gc(L, LUA_GCISRUNNING, 0);
    if (!pace->resting)
        return;
    pace->before_kb = used_kb(L);
    if (pace->floor_kb > pace->before_kb)
        pace->floor_kb = pace->before_kb;
    lua_gc(L, LUA_GCSTOP, 0);
}

void aggr_json_pace_catch_up(struct aggr_json_pace *pace, lua_State *L)
{
    if (!pace->resting)
        return;
    pace->resting = false;
    int now_kb = used_kb(L), more_kb = now_kb - pace->before_kb;
    if (now_kb / DUE < pace->floor_kb)
        lua_gc(L, LUA_GCRESTART, -1); /* with its pause */
    else if (lua_gc(L, LUA_GCSTEP, more_kb > 0 ? more_kb : 0))
        pace->floor_kb = used_kb(L);
}
