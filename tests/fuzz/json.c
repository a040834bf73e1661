/* A libFuzzer target: JSON texts, at once, in slices and while memory runs out; and written again.
 *
 * The first byte is the size of a slice, the second says which allocation fails (0: none) and, by
 * its lowest bits, how the value is written; the text follows. What comes of it must not depend on
 * the slices, and reading what was written must give the same. */
#include "base/err.h"
#include "bind/json_decoder.h"
#include "bind/json_encode.h"
#include "lua_memory.h"
#include "task/state.h"
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct aggr_state state;
static const char comparison[] = SAME_FUNCTION
    "local marks, list = {}, {}\n"
    "local function exact(digits) return 'integer ' .. digits end\n"
    "local function refuse(_, _, why) error(why) end\n"
    "return same, list, { list = list, marks = marks, exact = exact, digits = {}, resolve = "
    "refuse,\n"
    "  rename = refuse, refuse = refuse }\n";

/* On the stack all the time. */
enum { SAME = 1, LIST, TOOLS, ENCODE };

static void open_state(void)
{
    state.L = lua_newstate(allocate, &state);
    AGGR_CHECK(state.L);
    lua_pushcfunction(state.L, luaopen_base);
    lua_call(state.L, 0, 0);
    lua_pushcfunction(state.L, luaopen_string);
    lua_call(state.L, 0, 0);
    lua_settop(state.L, 0);
    aggr_object_define(state.L, AGGR_OBJECT_DECODER);
    lua_settop(state.L, 0);
    lua_newtable(state.L);
    aggr_json_encode_open(state.L);
    lua_settop(state.L, 0);
    AGGR_CHECK(luaL_dostring(state.L, comparison) == 0);
    lua_pushcfunction(state.L, aggr_json_encode_make);
    lua_pushvalue(state.L, TOOLS);
    lua_call(state.L, 1, 1);
    AGGR_CHECK(lua_gettop(state.L) == ENCODE);
}

struct input {
    struct aggr_json_text text;
    size_t slice;
    int flags;
};

/* Leaves true and the value, or false and the offset. */
static int l_decode(lua_State *L)
{
    const struct input *input = lua_touserdata(L, 1);
    struct aggr_json_rules rules = {.depth = AGGR_JSON_DEPTH,
                                    .bigint = input->flags & 2 ? AGGR_JSON_BIG_EXACT
                                                               : AGGR_JSON_BIG_NUMBER,
                                    .order = input->flags & 4,
                                    .strict = input->flags & 8};
    struct aggr_json_decoder *decoder = aggr_json_decoder_new(L, AGGR_JSON_DEPTH, 2);
    lua_replace(L, 1);
    lua_getfield(L, 2, "list");
    lua_replace(L, 2);
    aggr_json_decoder_start(decoder, input->text, rules);
    enum aggr_json_slice slice;
    do {
        lua_settop(L, 2);
        lua_pushvalue(L, 2);
        slice = aggr_json_decoder_slice(L, decoder, input->slice);
    } while (slice == AGGR_JSON_MORE);
    AGGR_CHECK(!aggr_json_decoder_is_busy(decoder));
    lua_pushboolean(L, slice == AGGR_JSON_DONE);
    lua_pushvalue(L, slice == AGGR_JSON_DONE ? -2 : -3);
    if (slice != AGGR_JSON_DONE)
        AGGR_CHECK(lua_tonumber(L, -1) <= (lua_Number)input->text.len && lua_istable(L, -3));
    return 2;
}

/* `allocations` succeed, the next one fails; negative: none does. */
static int decode(struct input input, int allocations)
{
    lua_pushcfunction(state.L, l_decode);
    lua_pushlightuserdata(state.L, &input);
    lua_pushvalue(state.L, TOOLS);
    allocations_left = allocations;
    int status = lua_pcall(state.L, 2, 2, 0);
    allocations_left = -1;
    return status;
}

/* Leaves the text of the value on top of the stack, or the error. */
static int encode(int flags, int allocations)
{
    lua_pushvalue(state.L, ENCODE);
    lua_pushvalue(state.L, -2);
    lua_pushinteger(state.L, flags);
    allocations_left = allocations;
    int status = lua_pcall(state.L, 2, 1, 0);
    allocations_left = -1;
    return status;
}

/* Pops two values that must be the same. */
static void compare(lua_State *L)
{
    lua_pushvalue(L, SAME);
    lua_insert(L, -3);
    lua_call(L, 2, 1);
    AGGR_CHECK(lua_toboolean(L, -1));
    lua_pop(L, 1);
}

/* Writes the value on top of the stack and reads it again. */
static void write_again(lua_State *L, struct input input, int failing)
{
    int top = lua_gettop(L), written = failing & 3; /* pretty, unsorted */
    if (failing > 0) {
        int status = encode(written, failing - 1);
        AGGR_CHECK(status == 0 || status == LUA_ERRMEM || lua_isstring(L, -1));
        lua_settop(L, top);
    }
    AGGR_CHECK(encode(written, -1) == 0);
    input.text.bytes = lua_tolstring(L, -1, &input.text.len);
    input.slice = AGGR_JSON_ALL;
    input.flags &= ~8;
    AGGR_CHECK(decode(input, -1) == 0 && lua_toboolean(L, -2));
    lua_pushvalue(L, top);
    compare(L);
    lua_settop(L, top);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (!state.L)
        open_state();
    lua_State *L = state.L;
    char *text = malloc(size - 1);
    memcpy(text, data + 2, size - 2);
    text[size - 2] = 0;
    struct input input = {.text = {text, size - 2}, .slice = AGGR_JSON_ALL, .flags = data[0]};
    if (data[1] > 0) {
        int status = decode(input, data[1] - 1);
        AGGR_CHECK(status == 0 || status == LUA_ERRMEM);
        lua_settop(L, ENCODE);
    }
    AGGR_CHECK(decode(input, -1) == 0);
    input.slice = data[0] > 0 ? data[0] : 1;
    AGGR_CHECK(decode(input, -1) == 0);
    AGGR_CHECK(lua_toboolean(L, -2) == lua_toboolean(L, -4));
    lua_remove(L, -2);
    lua_pushvalue(L, -2);
    compare(L);
    if (lua_toboolean(L, -2))
        write_again(L, input, data[1]);
    lua_settop(L, ENCODE);
    lua_gc(L, LUA_GCSTEP, 100);
    free(text);
    return 0;
}
