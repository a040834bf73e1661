#include "bind/json_encoder.h"
#include "base/err.h"
#include "base/json_format.h"
#include "base/json_quote.h"
#include "base/json_word.h"
#include "bind/json_table.h"
#include "task/object.h"
#include <lauxlib.h>
#include <math.h>

enum { CDATA = 10 }; /* LuaJIT's type that lua.h has no name for */

static int l_collect(lua_State *L)
{
    struct aggr_json_encoder *e = aggr_object_check(L, 1, AGGR_OBJECT_ENCODER);
    aggr_json_out_deinit(&e->out, L);
    return 0;
}

void aggr_json_encoder_define(lua_State *L)
{
    aggr_object_define(L, AGGR_OBJECT_ENCODER);
    lua_pushcfunction(L, l_collect);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

struct aggr_json_encoder *aggr_json_encoder_new(lua_State *L, int list)
{
    const void *list_pointer = lua_topointer(L, list);
    struct aggr_json_encoder *e = aggr_object_new(L, AGGR_OBJECT_ENCODER, sizeof *e);
    e->busy = e->marks = false;
    e->style = (struct aggr_json_style){0};
    e->list = list_pointer;
    aggr_json_out_init(&e->out);
    for (int i = 0; i < AGGR_JSON_SHAPES; i++)
        e->shapes[i].version = e->shapes[i].count = 0;
    lua_newtable(L);
    lua_setfenv(L, -2);
    return e;
}

static void push_path(const struct aggr_json_encoder *e, lua_State *L)
{
    lua_createtable(L, e->depth, 0);
    for (int i = 0; i < e->depth && e->steps[i] != 0; i++) {
        if (e->steps[i] > 0)
            lua_pushinteger(L, e->steps[i]);
        else
            lua_pushvalue(L, -e->steps[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

void aggr_json_encoder_refuse(struct aggr_json_encoder *e, lua_State *L, const char *why, int index)
{
    int reason = lua_gettop(L);
    luaL_checkstack(L, LUA_MINSTACK, "nested too deep");
    lua_pushvalue(L, lua_upvalueindex(AGGR_JSON_REFUSE));
    lua_pushvalue(L, AGGR_JSON_WHAT);
    push_path(e, L);
    if (why)
        lua_pushstring(L, why);
    else
        lua_pushvalue(L, reason);
    lua_pushvalue(L, index);
    e->busy = false;
    lua_call(L, 4, 0);
    AGGR_CHECK(!"refused values raise");
    __builtin_unreachable();
}

static void put_pieces(struct aggr_json_encoder *e, lua_State *L, int index, const char *at,
                       const char *end)
{
    enum { PIECE = 4096 };
    struct aggr_json_out *out = &e->out;
    do {
        const char *stop = end - at > PIECE ? at + PIECE : end;
        aggr_json_out_reserve(out, L, AGGR_JSON_QUOTE_ROOM((size_t)(stop - at)));
        if (!aggr_json_quote(&at, stop, e->style.replace, &out->at))
            aggr_json_encoder_refuse(e, L, "utf8", index);
    } while (at < end);
}

void aggr_json_encoder_put_string(struct aggr_json_encoder *e, lua_State *L, int index)
{
    enum { SHORT = 128 };
    size_t len;
    const char *bytes = lua_tolstring(L, index, &len);
    struct aggr_json_out *out = &e->out;
    aggr_json_out_reserve(out, L, SHORT + 2);
    *out->at++ = '"';
    if (len <= SHORT && aggr_json_copy_short(out->at, bytes, len))
        out->at += len;
    else
        put_pieces(e, L, index, bytes, bytes + len);
    aggr_json_out_put_byte(out, L, '"');
}

static void put_number(struct aggr_json_encoder *e, lua_State *L, int index)
{
    double value = lua_tonumber(L, index);
    if (isnan(value))
        aggr_json_encoder_refuse(e, L, "nan", index);
    if (isinf(value))
        aggr_json_encoder_refuse(e, L, "infinity", index);
    aggr_json_out_reserve(&e->out, L, AGGR_JSON_FORMAT_BYTES);
    e->out.at = aggr_json_format(e->out.at, value);
}

static void put_word(struct aggr_json_encoder *e, lua_State *L, const char *word, size_t len)
{
    aggr_json_out_reserve(&e->out, L, len);
    aggr_json_out_put(&e->out, word, len);
}

void aggr_json_encoder_put_line(struct aggr_json_encoder *e, lua_State *L)
{
    if (!e->style.pretty)
        return;
    size_t spaces = 2 * (size_t)e->depth;
    aggr_json_out_reserve(&e->out, L, 1 + spaces);
    *e->out.at++ = '\n';
    memset(e->out.at, ' ', spaces);
    e->out.at += spaces;
}

bool aggr_json_encoder_is_empty(lua_State *L, int index)
{
    lua_pushnil(L);
    if (!lua_next(L, index))
        return true;
    lua_pop(L, 2);
    return false;
}

static void look_for_marks(struct aggr_json_encoder *e, lua_State *L)
{
    e->marks = e->marks || !aggr_json_encoder_is_empty(L, lua_upvalueindex(AGGR_JSON_MARKED));
}

/* Pushes what is encoded in place of the value. */
static void push_resolved(struct aggr_json_encoder *e, lua_State *L, int index)
{
    luaL_checkstack(L, LUA_MINSTACK, "nested too deep");
    lua_pushvalue(L, lua_upvalueindex(AGGR_JSON_RESOLVE));
    lua_pushvalue(L, index);
    lua_call(L, 1, 2);
    look_for_marks(e, L); /* it may have made some */
    if (lua_isnil(L, -2))
        aggr_json_encoder_refuse(e, L, NULL, index);
    lua_pop(L, 1);
}

/* Of what is no table. */
static void put_resolved(struct aggr_json_encoder *e, lua_State *L, int index)
{
    push_resolved(e, L, index);
    aggr_json_encoder_put_value(e, L, lua_gettop(L));
    lua_pop(L, 1);
}

static void put_cdata(struct aggr_json_encoder *e, lua_State *L, int index)
{
    size_t len;
    lua_pushvalue(L, index);
    lua_rawget(L, lua_upvalueindex(AGGR_JSON_DIGITS));
    const char *digits = lua_tolstring(L, -1, &len);
    if (digits)
        put_word(e, L, digits, len);
    lua_pop(L, 1);
    if (!digits)
        put_resolved(e, L, index);
}

/* Whether its metatable is only that of empty arrays. */
static bool is_list(const struct aggr_json_encoder *e, lua_State *L, int index)
{
    bool is = lua_getmetatable(L, index);
    if (is) {
        is = lua_topointer(L, -1) == e->list;
        lua_pop(L, 1);
    }
    return is;
}

/* A table with a metatable: it may be an Error, or say itself what it is. */
static void put_special(struct aggr_json_encoder *e, lua_State *L, int index)
{
    if (is_list(e, L, index)) {
        aggr_json_table_put(e, L, index, index, true);
        return;
    }
    push_resolved(e, L, index);
    int resolved = lua_gettop(L);
    if (lua_istable(L, resolved))
        aggr_json_table_put(e, L, resolved, index, is_list(e, L, resolved));
    else
        aggr_json_encoder_put_value(e, L, resolved);
    lua_settop(L, resolved - 1);
}

void aggr_json_encoder_put_value(struct aggr_json_encoder *e, lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        aggr_json_encoder_put_string(e, L, index);
        break;
    case LUA_TNUMBER:
        put_number(e, L, index);
        break;
    case LUA_TBOOLEAN:
        if (lua_toboolean(L, index))
            put_word(e, L, "true", 4);
        else
            put_word(e, L, "false", 5);
        break;
    case LUA_TTABLE:
        if (lua_getmetatable(L, index)) {
            lua_pop(L, 1);
            put_special(e, L, index);
        } else {
            aggr_json_table_put(e, L, index, index, false);
        }
        break;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index))
            put_resolved(e, L, index);
        else
            put_word(e, L, "null", 4);
        break;
    case CDATA:
        put_cdata(e, L, index);
        break;
    default:
        put_resolved(e, L, index);
    }
}

void aggr_json_encoder_run(struct aggr_json_encoder *e, lua_State *L, struct aggr_json_style style)
{
    if (style.sorted != e->style.sorted)
        for (int i = 0; i < AGGR_JSON_SHAPES; i++)
            e->shapes[i].count = 0;
    e->style = style;
    e->depth = 0;
    e->ways[0] = 0;
    e->busy = true;
    aggr_json_out_shrink(&e->out, L); /* what an error has left */
    look_for_marks(e, L);
    aggr_json_encoder_put_value(e, L, AGGR_JSON_VALUE);
    lua_pushlstring(L, e->out.bytes, (size_t)(e->out.at - e->out.bytes));
    aggr_json_out_shrink(&e->out, L);
    e->busy = false;
}
