#include "bind/json_source.h"
#include "bind/json_pick.h"
#include "bind/json_stream.h"
#include "bind/response.h"
#include <lauxlib.h>

struct aggr_json_text aggr_json_source(lua_State *L, int index)
{
    struct aggr_json_text text;
    if (lua_type(L, index) != LUA_TUSERDATA)
        text.bytes = luaL_checklstring(L, index, &text.len);
    else if (!aggr_json_pick_text(L, index, &text) && !aggr_json_stream_text(L, index, &text))
        text.bytes = aggr_response_body(L, index, &text.len);
    return text;
}
