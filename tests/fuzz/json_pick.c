/* A libFuzzer target: picking out of JSON texts and streams of JSON values, against the decoder.
 *
 * The first byte is the size of a slice or piece, and by its lowest bit whether integers may be as
 * large as they like; the second says which allocation fails (0: none); the text follows. A picker
 * must find right what the decoder does, and find the values that it makes; so must a stream that
 * gets the text in pieces. */
#include "bind/json_pick.h"
#include "base/err.h"
#include "bind/json_decoder.h"
#include "bind/json_source.h"
#include "bind/json_stream.h"
#include "lua_memory.h"
#include "task/state.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct aggr_state state;
static bool any_integer;

static const char tools[] =
    SAME_FUNCTION "local function exact(digits) return 'integer ' .. digits end\n"
                  "return same, { list = {}, marks = {}, exact = exact }\n";

/* Of a text that decodes to `value`, or is wrong so: what picker and stream make of it, in slices
 * or pieces. Looks for the document, a member, an item, and one inside of each. */
static const char comparison[] =
    "local same, decode, piece_of, pick, stream = ...\n"
    "local KEYS, COUNTS = { '', '0', 'a', '0', 'a' }, { 2, 1, 1, 0, 0 }\n"
    "local function below(value, key)\n"
    "  if type(value) ~= 'table' then return nil end\n"
    "  if value[1] ~= nil then return key == '0' and value[1] or nil end\n"
    "  return value[key]\n"
    "end\n"
    "local function picked(text, bytes, right, value, what)\n"
    "  local picker = pick.picker(text, KEYS, COUNTS, 1000, bytes % 2 == 1)\n"
    "  local ok, wrong, at, keys\n"
    "  repeat ok, wrong, at, keys = pick.step(picker, bytes) until ok ~= nil\n"
    "  assert(ok == right)\n"
    "  if not ok then assert(wrong == what and at == value and type(keys) == 'table') return end\n"
    "  local zero, a = below(value, '0'), below(value, 'a')\n"
    "  local found = { value, zero, a, below(zero, '0'), below(a, 'a') }\n"
    "  for i = 1, 5 do\n"
    "    local there = pick.select(picker, i) ~= nil\n"
    "    assert(there == (found[i] ~= nil))\n"
    "    assert(not there or same(decode(picker), found[i]))\n"
    "  end\n"
    "end\n"
    "local function streamed(text, bytes, right, value)\n"
    "  local values, count, at, last = stream.stream(1000, bytes % 2 == 1), 0, 1, nil\n"
    "  while true do\n"
    "    local found = stream.next(values, bytes)\n"
    "    if found == true then\n"
    "      count, last = count + 1, decode(values)\n"
    "    elseif found == 'more' and at <= #text then\n"
    "      stream.feed(values, piece_of(text, at, bytes))\n"
    "      at = at + bytes\n"
    "    elseif found == 'more' then\n"
    "      stream.finish(values)\n"
    "    elseif found ~= nil then\n"
    "      assert(right == (found == 'end' and count == 1))\n"
    "      return assert(not right or same(value, last))\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return function(...) picked(...) streamed(...) end\n";

/* On the stack all the time. */
enum { SAME = 1, TOOLS, DECODE, COMPARE };

struct aggr_json_text aggr_json_source(lua_State *L, int index)
{
    struct aggr_json_text text;
    if (!aggr_json_pick_text(L, index, &text) && !aggr_json_stream_text(L, index, &text))
        text.bytes = luaL_checklstring(L, index, &text.len);
    return text;
}

/* piece_of(text, at, bytes): string.sub of LuaJIT crashes when memory runs out. */
static int l_piece(lua_State *L)
{
    size_t len, at = (size_t)lua_tointeger(L, 2) - 1, bytes = (size_t)lua_tointeger(L, 3);
    const char *text = lua_tolstring(L, 1, &len);
    lua_pushlstring(L, text + at, bytes < len - at ? bytes : len - at);
    return 1;
}

/* decode(text, tools) at 1 and 2: leaves true and the value, or false, the offset, what is wrong.
 */
static int run_decoder(lua_State *L, struct aggr_json_text text)
{
    struct aggr_json_rules rules = {.depth = AGGR_JSON_DEPTH,
                                    .bigint =
                                        any_integer ? AGGR_JSON_BIG_EXACT : AGGR_JSON_BIG_NUMBER};
    struct aggr_json_decoder *decoder = aggr_json_decoder_new(L, AGGR_JSON_DEPTH, 2);
    lua_replace(L, 1);
    lua_getfield(L, 2, "list");
    lua_settop(L, 3);
    aggr_json_decoder_start(decoder, text, rules);
    if (aggr_json_decoder_slice(L, decoder, AGGR_JSON_ALL) == AGGR_JSON_DONE) {
        lua_pushboolean(L, 1);
        lua_insert(L, -2);
        return 2;
    }
    lua_pushboolean(L, 0);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -5);
    return 3;
}

/* decode(text), with the tools as upvalue. */
static int l_decode(lua_State *L)
{
    struct aggr_json_text text = aggr_json_source(L, 1);
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    return run_decoder(L, text);
}

/* decode_source(source): the value of what must be right. */
static int l_decode_source(lua_State *L)
{
    AGGR_CHECK(l_decode(L) == 2);
    return 1;
}

static void open_state(void)
{
    lua_State *L = state.L = lua_newstate(allocate, &state);
    AGGR_CHECK(L);
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 0);
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 0);
    aggr_object_define(L, AGGR_OBJECT_DECODER);
    lua_settop(L, 0);
    AGGR_CHECK(luaL_dostring(L, tools) == 0);
    lua_pushvalue(L, TOOLS);
    lua_pushcclosure(L, l_decode, 1);
    AGGR_CHECK(luaL_loadstring(L, comparison) == 0);
    lua_pushvalue(L, SAME);
    lua_pushvalue(L, TOOLS);
    lua_pushcclosure(L, l_decode_source, 1);
    lua_pushcfunction(L, l_piece);
    aggr_bind_json_pick(L);
    aggr_bind_json_stream(L);
    lua_call(L, 5, 1);
    AGGR_CHECK(lua_gettop(L) == COMPARE);
}

/* compare(text, bytes, true, value) or (text, bytes, false, offset, what): the text is before what
 * decode left from `result` on; `allocations` succeed, the next one fails; negative: none does. */
static int compare(int bytes, int result, int allocations)
{
    lua_State *L = state.L;
    lua_pushvalue(L, COMPARE);
    lua_pushvalue(L, result - 1);
    lua_pushinteger(L, bytes);
    for (int i = 0; i < 3; i++)
        lua_pushvalue(L, result + i);
    allocations_left = allocations;
    int status = lua_pcall(L, 5, 0, 0);
    allocations_left = -1;
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (!state.L)
        open_state();
    lua_State *L = state.L;
    const char *text = (const char *)data + 2;
    int bytes = data[0] > 0 ? data[0] : 1, result = COMPARE + 2;
    any_integer = bytes % 2 == 1;
    lua_pushlstring(L, text, size - 2);
    lua_pushvalue(L, DECODE);
    lua_pushvalue(L, -2);
    lua_call(L, 1, 3);
    if (data[1] > 0) {
        int status = compare(bytes, result, data[1] - 1);
        AGGR_CHECK(status == 0 || status == LUA_ERRMEM);
    }
    lua_settop(L, result + 2);
    int status = compare(bytes, result, -1);
    if (status != 0)
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    AGGR_CHECK(status == 0);
    lua_settop(L, COMPARE);
    lua_gc(L, LUA_GCSTEP, 100);
    return 0;
}
