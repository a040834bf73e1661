#include "bind/json_encode.h"
#include "base/json_format.h"
#include "base/json_quote.h"
#include "bind/json_encoder.h"
#include "task/object.h"
#include <lauxlib.h>
#include <math.h>

enum { PRETTY = 1, UNSORTED = 2, REPLACE = 4 };

enum { TOOLS = AGGR_JSON_ENCODER_UPVALUES + 1, UPVALUES = TOOLS };

/* The encoder that all take turns with. A new one in its place when there is none yet, when it is
 * at work (what stands for a value may be made by encoding another one), or when an error has left
 * it in the middle. */
static struct aggr_json_encoder *encoder_of(lua_State *L)
{
    int common = lua_upvalueindex(AGGR_JSON_ENCODER);
    struct aggr_json_encoder *e = NULL;
    if (!lua_isnil(L, common))
        e = aggr_object_check(L, common, AGGR_OBJECT_ENCODER);
    if (e && !e->busy)
        return e;
    lua_getfield(L, lua_upvalueindex(TOOLS), "list");
    e = aggr_json_encoder_new(L, lua_gettop(L));
    lua_replace(L, common);
    lua_pop(L, 1);
    return e;
}

static int l_encode(lua_State *L)
{
    luaL_checkany(L, AGGR_JSON_VALUE);
    int flags = (int)luaL_checkinteger(L, AGGR_JSON_FLAGS);
    struct aggr_json_style style = {
        .pretty = flags & PRETTY, .sorted = !(flags & UNSORTED), .replace = flags & REPLACE};
    lua_settop(L, AGGR_JSON_WHAT);
    aggr_json_encoder_run(encoder_of(L), L, style);
    return 1;
}

int aggr_json_encode_make(lua_State *L)
{
    static const char *const fields[] = {"marks", "digits", "resolve", "rename", "refuse"};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushnil(L);
    for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
        lua_getfield(L, 1, fields[i]);
    lua_newtable(L);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, l_encode, UPVALUES);
    return 1;
}

int aggr_json_encode_quote(lua_State *L)
{
    size_t len;
    const char *at = luaL_checklstring(L, 1, &len);
    char *bytes = lua_newuserdata(L, AGGR_JSON_QUOTE_ROOM(len)), *out = bytes;
    *out++ = '"';
    aggr_json_quote(&at, at + len, true, &out);
    *out++ = '"';
    lua_pushlstring(L, bytes, (size_t)(out - bytes));
    return 1;
}

int aggr_json_encode_number(lua_State *L)
{
    char text[AGGR_JSON_FORMAT_BYTES];
    lua_Number value = luaL_checknumber(L, 1);
    luaL_argcheck(L, isfinite(value), 1, "not finite");
    lua_pushlstring(L, text, (size_t)(aggr_json_format(text, value) - text));
    return 1;
}

void aggr_json_encode_open(lua_State *L)
{
    static const struct {
        const char *name;
        int flag;
    } flags[] = {{"PRETTY", PRETTY}, {"UNSORTED", UNSORTED}, {"REPLACE", REPLACE}};
    aggr_json_encoder_define(L);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        lua_pushinteger(L, flags[i].flag);
        lua_setfield(L, -2, flags[i].name);
    }
}
