/* JSON while memory runs out: each allocation of a decoding and of an encoding fails in turn. What
 * is raised is Lua's own error, the next text is read and written as ever, and nothing is left
 * over. */
#include "base/err.h"
#include "bind/json.h"
#include "task/state.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct aggr_state state;
static size_t in_use;
static int left = -1; /* allocations until one fails; negative: none does */

static void *allocate(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context;
    if (new_size == 0) {
        in_use -= block ? old_size : 0;
        free(block);
        return NULL;
    }
    if (new_size > old_size && left >= 0 && left-- == 0)
        return NULL;
    void *moved = realloc(block, new_size);
    in_use += new_size - (block ? old_size : 0);
    return moved;
}

/* Makes `decode(text, flags)` and `encode(value, flags)`, which raise for every failure. */
static const char functions[] =
    "local core = ...\n"
    "jit.off()\n" /* it does not survive a failure */
    "local integer = require('ffi').typeof 'struct {}'\n"
    "local list, marks, digits = {}, {}, {}\n"
    "local function refuse(_, _, why) error(why, 0) end\n"
    "local tools = { list = list, marks = marks, digits = digits, refuse = refuse,\n"
    "  exact = function(text) local t = integer() digits[t] = text return t end,\n"
    "  resolve = function(value) return getmetatable(value).__json(value) end,\n"
    "  rename = function(t) local r = {} for k, v in next, t do r[tostring(k)] = v end return r "
    "end }\n"
    "local decode, step = core.decoder(tools)\n"
    "local encode = core.encoder(tools)\n"
    "local function read(text, flags)\n"
    "  local ok, value = decode(text, flags, 1000, 1e9)\n"
    "  assert(ok, value)\n"
    "  return value\n"
    "end\n"
    "local function read_slowly(text, flags)\n"
    "  local ok, value = decode(text, flags, 1000, 0)\n"
    "  while ok == nil do ok, value = step(value, 16) end\n"
    "  assert(ok, value)\n"
    "  return value\n"
    "end\n"
    "local function special(value)\n"
    "  marks[value[1]] = 'object'\n"
    "  value[2] = setmetatable({}, { __json = function() return { 'x', 1, true } end })\n"
    "  return encode(value, 0)\n"
    "end\n"
    "return read, read_slowly, encode, special\n";

enum { READ = 1, READ_SLOWLY, ENCODE, SPECIAL, TEXT };

static int failures;

/* function(value at `argument`, flags): its result, once with each allocation failing and at last
 * with none; leaves the result. */
static void fail_each(lua_State *L, int function, int argument, int flags)
{
    for (int n = 0;; n++) {
        lua_settop(L, TEXT + 1);
        lua_pushvalue(L, function);
        lua_pushvalue(L, argument);
        lua_pushinteger(L, flags);
        left = n;
        int status = lua_pcall(L, 2, 1, 0);
        bool failed = left < 0;
        left = -1;
        if (status == 0)
            AGGR_CHECK(!lua_isnil(L, -1));
        else
            AGGR_CHECK(failed && strstr(lua_tostring(L, -1), "not enough memory"));
        failures += status != 0;
        if (!failed)
            return;
    }
}

static void check(lua_State *L, const char *text, int flags)
{
    enum { UNSORTED_AND_PRETTY = 3 };
    lua_settop(L, TEXT - 1);
    lua_pushstring(L, text);
    lua_pushnil(L);
    fail_each(L, READ_SLOWLY, TEXT, flags);
    fail_each(L, READ, TEXT, flags);
    lua_replace(L, TEXT + 1);
    fail_each(L, ENCODE, TEXT + 1, UNSORTED_AND_PRETTY);
    fail_each(L, ENCODE, TEXT + 1, 0);
    AGGR_CHECK(strcmp(lua_tostring(L, -1), text) == 0);
}

static char *long_text(void)
{
    enum { MEMBERS = 100, MEMBER_BYTES = 64 };
    char *text = malloc(MEMBERS * MEMBER_BYTES), *out = text;
    *out++ = '{';
    for (int i = 0; i < MEMBERS; i++)
        out += sprintf(out, "\"key%03d\":[%d,\"\\n%d\",{\"a\":{\"b\":%d}}],", i, i, i, i);
    out[-1] = '}';
    *out = 0;
    return text;
}

static void open_functions(lua_State *L)
{
    luaL_openlibs(L);
    lua_settop(L, 0);
    AGGR_CHECK(luaL_loadstring(L, functions) == 0);
    aggr_bind_json(L);
    lua_call(L, 1, SPECIAL);
    AGGR_CHECK(lua_gettop(L) == SPECIAL);
}

int main(void)
{
    enum { ORDER = 4, LEAST_FAILURES = 1000 };
    state.L = lua_newstate(allocate, &state);
    AGGR_CHECK(state.L);
    lua_State *L = state.L;
    open_functions(L);
    lua_gc(L, LUA_GCSTOP, 0);
    check(L, "[1,\"two\",true,null,[],{},{\"a\":1,\"b\":{\"c\":[0.5,\"\\u0001\"]}}]", 0);
    check(L, "{\"z\":1,\"a\":{\"y\":2,\"b\":[12345678901234567890]},\"b\":{}}", ORDER);
    char *text = long_text();
    check(L, text, 0);
    check(L, text, ORDER);
    free(text);
    lua_settop(L, TEXT - 1);
    AGGR_CHECK(luaL_dostring(L, "return { { [1] = 2, [7] = 3 } }") == 0);
    lua_pushnil(L);
    fail_each(L, SPECIAL, TEXT, 0);
    AGGR_CHECK(strcmp(lua_tostring(L, -1), "[{\"1\":2,\"7\":3},[\"x\",1,true]]") == 0);
    AGGR_CHECK(failures > LEAST_FAILURES);
    lua_close(L);
    AGGR_CHECK(in_use == 0);
    printf("%d allocations failed\n", failures);
    return 0;
}
