#include "cli/options.h"

#include <string.h>

static void push_list(lua_State *L, const char *const *words, size_t count)
{
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, words[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

/* Pushes flag `index`; nil when it was not given. */
static void push_flag(lua_State *L, const struct aggr_arguments *arguments, size_t index)
{
    const struct aggr_flag *flag = &arguments->flags[index];
    const char *value = arguments->values[index];
    if (flag->type == AGGR_FLAG_LIST)
        push_list(L, arguments->lists[index], arguments->counts[index]);
    else if (!value)
        lua_pushnil(L);
    else if (flag->type == AGGR_FLAG_SWITCH)
        lua_pushboolean(L, 1);
    else if (flag->type == AGGR_FLAG_COUNT || flag->type == AGGR_FLAG_DURATION ||
             flag->type == AGGR_FLAG_LIMIT || flag->type == AGGR_FLAG_SIZE)
        lua_pushnumber(L, aggr_flag_number(flag, value));
    else
        lua_pushstring(L, value);
}

void aggr_options_push(lua_State *L, const struct aggr_arguments *arguments)
{
    lua_createtable(L, 0, AGGR_FLAG_MAX + 8);
    for (size_t i = 0; arguments->flags[i].name; i++) {
        char name[AGGR_FLAG_ENV_MAX];
        strcpy(name, arguments->flags[i].name);
        for (char *dash = name; (dash = strchr(dash, '-'));)
            *dash = '_';
        push_flag(L, arguments, i);
        lua_setfield(L, -2, name);
    }
    push_list(L, arguments->rest, arguments->rest_count);
    lua_setfield(L, -2, "args");
}
