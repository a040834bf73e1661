#include "bind/json_encode.h"
#include "base/json_format.h"
#include "base/json_quote.h"
#include "bind/json_encoder.h"
#include "task/object.h"
#include <lauxlib.h>
#include <math.h>

enum { PRETTY = 1, UNSORTED = 2, REPLACE = 4 };

enum { COMMON = AGGR_JSON_ENCODER_UPVALUES + 1, LIST, UPVALUES = LIST };

/* Pushes the encoder that all take turns with. A new one in its place when there is none yet, when
 * it is at work (what stands for a value may be made by encoding another one), or when an error has
 * left it in the middle. */
static struct aggr_json_encoder *push_common(lua_State *L)
{
    int common = lua_upvalueindex(COMMON);
    lua_pushvalue(L, common);
    if (!lua_isnil(L, common)) {
        struct aggr_json_encoder *e = aggr_object_check(L, common, AGGR_OBJECT_ENCODER);
        if (!e->busy)
            return e;
    }
    lua_pop(L, 1);
    struct aggr_json_encoder *e = aggr_json_encoder_new(L, lua_upvalueindex(LIST));
    lua_pushvalue(L, -1);
    lua_replace(L, common);
    return e;
}

static int l_encode(lua_State *L)
{
    luaL_checkany(L, AGGR_JSON_VALUE);
    int flags = (int)luaL_checkinteger(L, AGGR_JSON_FLAGS);
    struct aggr_json_style style = {
        .pretty = flags & PRETTY, .sorted = !(flags & UNSORTED), .replace = flags & REPLACE};
    lua_settop(L, AGGR_JSON_WHAT);
    struct aggr_json_encoder *e = push_common(L);
    lua_getfenv(L, AGGR_JSON_ENCODER);
    aggr_json_encoder_run(e, L, style);
    return 1;
}

int aggr_json_encode_make(lua_State *L)
{
    static const char *const fields[] = {"marks", "digits", "resolve", "rename", "refuse"};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
        lua_getfield(L, 1, fields[i]);
    lua_pushnil(L);
    lua_getfield(L, 1, "list");
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
