/* aggr.core.json -- JSON texts to values and back, for the library alone. A source is a string, a
 * Response, a picker (aggr.core.pick) or a stream (aggr.core.stream).
 *
 *   decoder(tools) -> decode, step        tools.list: the metatable of empty arrays;
 * tools.exact(digits)
 *                                         -> what stands for a large integer; tools.marks: table of
 *                                         the keys' order, object -> list
 *   decode(source, flags, depth, at_once | nil)
 *       -> true, value
 *       -> false, what, offset, keys      what is wrong at the byte (from 0), and the way there
 *       -> nil, pending                   over at_once (256 KiB) bytes: nothing has been done yet
 *   step(pending, bytes) -> the same      another slice of it; math.huge: the rest
 *   excerpt(source, offset) -> line, column, before, behind
 *                                         where the byte is, and up to 1,000 bytes on both sides
 *   size(source) -> bytes
 *   SLICE                                 bytes for a step
 *   DROP_NULLS, STRICT, ORDER, BIG_STRING, BIG_NUMBER
 *                                         flags, to be added up; without one of the last two, large
 *                                         integers are made by tools.exact
 *
 *   encoder(tools) -> encode              tools.list and tools.marks as above; tools.digits: large
 *                                         integer -> digits; tools.resolve, rename and refuse: see
 *                                         json_encoder.h
 *   encode(value, flags, what | nil) -> text
 *   PRETTY, UNSORTED, REPLACE             its flags; REPLACE: what is not UTF-8, by U+FFFD
 *   quote(string) -> text                 in quotes, with REPLACE
 *   number(finite) -> text
 *
 * decode and step share their upvalues: the list and the tools, the decoder that short texts take
 * turns with, the collector's pace, and run_slice as a Lua value.
 */
#include "bind/json.h"
#include "base/json_text.h"
#include "bind/json_decoder.h"
#include "bind/json_encode.h"
#include "bind/json_excerpt.h"
#include "bind/json_pace.h"
#include "bind/json_source.h"
#include "task/object.h"
#include <lauxlib.h>

enum {
    AT_ONCE_BYTES = 256 * 1024,
    SLICE_BYTES = 32 * 1024, /* with the collector's part a millisecond or two */
    PACED_BYTES = 16 * 1024, /* below it the collector is not worth a thought */
};

enum { LIST = 1, TOOLS, COMMON, PACE, RUN_SLICE, UPVALUES = RUN_SLICE };

enum { DROP_NULLS = 1, STRICT = 2, ORDER = 4, BIG_STRING = 8, BIG_NUMBER = 16 };

static struct aggr_json_rules rules_at(lua_State *L, int flags_index, int depth_index)
{
    int flags = (int)luaL_checkinteger(L, flags_index);
    int depth = (int)luaL_checkinteger(L, depth_index);
    luaL_argcheck(L, depth >= 1 && depth <= AGGR_JSON_DEEPEST, depth_index, "out of range");
    return (struct aggr_json_rules){.depth = depth,
                                    .bigint = flags & BIG_STRING   ? AGGR_JSON_BIG_STRING
                                              : flags & BIG_NUMBER ? AGGR_JSON_BIG_NUMBER
                                                                   : AGGR_JSON_BIG_EXACT,
                                    .drop_nulls = flags & DROP_NULLS,
                                    .strict = flags & STRICT,
                                    .order = flags & ORDER};
}

/* Of the decoder at 1: one slice, with the stack as that wants it. Leaves the results. */
static int run_slice(lua_State *L, struct aggr_json_decoder *decoder, size_t bytes)
{
    switch (aggr_json_decoder_slice(L, decoder, bytes)) {
    case AGGR_JSON_DONE:
        lua_pushboolean(L, 1);
        lua_insert(L, -2);
        return 2;
    case AGGR_JSON_FAILED:
        lua_pushboolean(L, 0);
        lua_insert(L, -4);
        return 4;
    default:
        lua_pushnil(L);
        lua_pushvalue(L, 1);
        return 2;
    }
}

/* run_slice(decoder, bytes | source, list), to be called protected. */
static int l_run_slice(lua_State *L)
{
    struct aggr_json_decoder *decoder = aggr_json_decoder_check(L, 1);
    lua_Number bytes = lua_type(L, 2) == LUA_TNUMBER ? lua_tonumber(L, 2) : 0;
    return run_slice(L, decoder, bytes >= 1 && bytes < 1e9 ? (size_t)bytes : AGGR_JSON_ALL);
}

/* The same while the collector rests; the stack holds nothing but the arguments. */
static int run_paced(lua_State *L)
{
    struct aggr_json_pace *pace = lua_touserdata(L, lua_upvalueindex(PACE));
    lua_pushvalue(L, lua_upvalueindex(RUN_SLICE));
    lua_insert(L, 1);
    aggr_json_pace_rest(pace, L);
    bool failed = lua_pcall(L, 3, LUA_MULTRET, 0) != 0;
    aggr_json_pace_catch_up(pace, L);
    return failed ? lua_error(L) : lua_gettop(L);
}

/* Pushes the decoder that short texts take turns with, or a new one in its place: a finalizer may
 * decode while it is at work. */
static struct aggr_json_decoder *push_common(lua_State *L, int depth)
{
    int common = lua_upvalueindex(COMMON);
    struct aggr_json_decoder *decoder = aggr_json_decoder_check(L, common);
    lua_pushvalue(L, common);
    if (!aggr_json_decoder_is_busy(decoder) && aggr_json_decoder_fits(decoder, depth))
        return decoder;
    lua_pop(L, 1);
    decoder = aggr_json_decoder_new(L, depth, lua_upvalueindex(TOOLS));
    lua_pushvalue(L, -1);
    lua_replace(L, common);
    return decoder;
}

/* Leaves nil and a decoder of the text's own, which keeps the source. */
static int postpone(lua_State *L, struct aggr_json_text text, struct aggr_json_rules rules)
{
    lua_pushnil(L);
    aggr_json_decoder_start(aggr_json_decoder_new(L, rules.depth, lua_upvalueindex(TOOLS)), text,
                            rules);
    lua_getfenv(L, -1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "source");
    lua_pop(L, 1);
    return 2;
}

static int l_decode(lua_State *L)
{
    struct aggr_json_text text = aggr_json_source(L, 1);
    struct aggr_json_rules rules = rules_at(L, 2, 3);
    if ((lua_Number)text.len > luaL_optnumber(L, 4, AT_ONCE_BYTES))
        return postpone(L, text, rules);
    struct aggr_json_decoder *decoder = push_common(L, rules.depth);
    aggr_json_decoder_start(decoder, text, rules);
    lua_insert(L, 1);
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(LIST));
    return text.len < PACED_BYTES ? run_slice(L, decoder, AGGR_JSON_ALL) : run_paced(L);
}

static int l_step(lua_State *L)
{
    struct aggr_json_decoder *decoder = aggr_json_decoder_check(L, 1);
    luaL_argcheck(L, aggr_json_decoder_is_busy(decoder), 1, "it is done");
    luaL_checktype(L, 2, LUA_TNUMBER);
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(LIST));
    return run_paced(L);
}

static int l_decoder(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "list");
    lua_insert(L, 1);
    aggr_json_decoder_new(L, AGGR_JSON_DEPTH, TOOLS);
    aggr_json_pace_init(lua_newuserdata(L, sizeof(struct aggr_json_pace)), L);
    lua_pushcfunction(L, l_run_slice);
    for (int i = 1; i <= UPVALUES; i++)
        lua_pushvalue(L, i);
    lua_pushcclosure(L, l_decode, UPVALUES);
    lua_insert(L, 1);
    lua_pushcclosure(L, l_step, UPVALUES);
    return 2;
}

static int l_excerpt(lua_State *L)
{
    struct aggr_json_text text = aggr_json_source(L, 1);
    lua_Number offset = luaL_checknumber(L, 2);
    luaL_argcheck(L, offset >= 0 && offset <= (lua_Number)text.len, 2, "out of range");
    const char *at = text.bytes + (size_t)offset;
    size_t line, column;
    aggr_json_place(text.bytes, at, &line, &column);
    return aggr_json_excerpt_push(L, text.bytes, at, text.bytes + text.len, line, column);
}

static int l_size(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)aggr_json_source(L, 1).len);
    return 1;
}

static void set_number(lua_State *L, const char *name, int number)
{
    lua_pushinteger(L, number);
    lua_setfield(L, -2, name);
}

int aggr_bind_json(lua_State *L)
{
    static const luaL_Reg functions[] = {{"decoder", l_decoder},
                                         {"encoder", aggr_json_encode_make},
                                         {"excerpt", l_excerpt},
                                         {"number", aggr_json_encode_number},
                                         {"quote", aggr_json_encode_quote},
                                         {"size", l_size},
                                         {NULL, NULL}};
    aggr_object_define(L, AGGR_OBJECT_DECODER);
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    aggr_json_encode_open(L);
    set_number(L, "SLICE", SLICE_BYTES);
    set_number(L, "DROP_NULLS", DROP_NULLS);
    set_number(L, "STRICT", STRICT);
    set_number(L, "ORDER", ORDER);
    set_number(L, "BIG_STRING", BIG_STRING);
    set_number(L, "BIG_NUMBER", BIG_NUMBER);
    return 1;
}
