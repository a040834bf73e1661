#include "vm/loader.h"
#include "vm/embedded.h"
#include "vm/modules.h"
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

/* Registry keys. */
static const char environment_key = 'e', loaded_key = 'l', extra_key = 'x';

static void get(lua_State *L, const char *key)
{
    lua_pushlightuserdata(L, (void *)key);
    lua_rawget(L, LUA_REGISTRYINDEX);
}

/* Pops the value. */
static void set(lua_State *L, const char *key)
{
    lua_pushlightuserdata(L, (void *)key);
    lua_insert(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

/* Pushes a copy of the table on top; `depth` levels of tables in it are copied as well. */
static void push_copy(lua_State *L, int depth)
{
    int from = lua_gettop(L);
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, from)) {
        if (depth > 0 && lua_istable(L, -1) && !lua_rawequal(L, -1, from)) {
            push_copy(L, depth - 1);
            lua_remove(L, -2);
        }
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, from + 1);
    }
}

static lua_CFunction find_core(lua_State *L, const char *name)
{
    get(L, &extra_key);
    const struct aggr_vm_module *extra = lua_touserdata(L, -1);
    lua_pop(L, 1);
    for (const struct aggr_vm_module *at = aggr_modules; at->name; at++)
        if (strcmp(at->name, name) == 0)
            return at->open;
    for (const struct aggr_vm_module *at = extra; at && at->name; at++)
        if (strcmp(at->name, name) == 0)
            return at->open;
    return NULL;
}

static const struct aggr_embedded *find_embedded(const char *name)
{
    for (const struct aggr_embedded *at = aggr_embedded_modules; at->name; at++)
        if (strcmp(at->name, name) == 0)
            return at;
    return NULL;
}

void aggr_loader_push_environment(lua_State *L)
{
    get(L, &environment_key);
}

/* What LuaJIT itself keeps for `require`, such as jit.util. */
static bool push_preloaded(lua_State *L, const char *name)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "_PRELOAD");
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    if (lua_isfunction(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

/* Pushes the function that makes the module. */
static void push_opener(lua_State *L, const char *name)
{
    lua_CFunction open = find_core(L, name);
    if (open) {
        lua_pushcfunction(L, open);
        return;
    }
    const struct aggr_embedded *module = find_embedded(name);
    if (!module) {
        if (!push_preloaded(L, name))
            luaL_error(L, "module '%s' is not part of the library", name);
        return;
    }
    if (luaL_loadbuffer(L, (const char *)module->code, module->size, name) != 0)
        lua_error(L);
    get(L, &environment_key);
    lua_setfenv(L, -2);
}

void aggr_loader_require(lua_State *L, const char *name)
{
    get(L, &loaded_key);
    lua_getfield(L, -1, name);
    if (!lua_isnil(L, -1)) {
        lua_remove(L, -2);
        return;
    }
    lua_pop(L, 1);
    push_opener(L, name);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, name);
    lua_remove(L, -2);
}

static int l_require(lua_State *L)
{
    aggr_loader_require(L, luaL_checkstring(L, 1));
    return 1;
}

void aggr_loader_open(lua_State *L, const struct aggr_vm_module *extra)
{
    lua_newtable(L);
    set(L, &loaded_key);
    lua_pushlightuserdata(L, (void *)extra);
    set(L, &extra_key);

    lua_pushvalue(L, LUA_GLOBALSINDEX);
    push_copy(L, 1);
    lua_remove(L, -2);
    lua_pushcfunction(L, l_require);
    lua_setfield(L, -2, "require");
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_setfield(L, -2, "script"); /* the scripts' _G, for the prelude */
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
    set(L, &environment_key);
}
