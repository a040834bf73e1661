#include "bind/parcel.h"
#include "bind/parcel_state.h"
#include "bind/parcel_tag.h"
#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

struct unpacking {
    lua_State *L;
    const char *at;
    int seen; /* stack index: number -> table */
    int marks;
    int tables;
};

static size_t get_count(struct unpacking *u)
{
    uint64_t number;
    memcpy(&number, u->at, sizeof number);
    u->at += sizeof number;
    return (size_t)number;
}

static void push_value(struct unpacking *u);

/* The mark is below the table. */
static void set_mark(struct unpacking *u, int table)
{
    lua_State *L = u->L;
    if (lua_isboolean(L, table - 1)) {
        aggr_parcel_state_push(L, AGGR_PARCEL_STATE_LIST);
        lua_setmetatable(L, table);
    } else if (!lua_isnil(L, table - 1)) {
        lua_pushvalue(L, table);
        lua_pushvalue(L, table - 1);
        lua_rawset(L, u->marks);
    }
}

static void push_table(struct unpacking *u)
{
    lua_State *L = u->L;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    int number = ++u->tables; /* that of the mark, which may be a table, is a higher one */
    push_value(u);
    int length = (int)get_count(u);
    lua_createtable(L, length, 0);
    int table = lua_gettop(L);
    lua_pushvalue(L, table);
    lua_rawseti(L, u->seen, number);
    set_mark(u, table);
    for (int i = 1; i <= length; i++) {
        push_value(u);
        lua_rawseti(L, table, i);
    }
    while (*u->at != AGGR_PARCEL_END) {
        push_value(u);
        push_value(u);
        lua_rawset(L, table);
    }
    u->at++;
    lua_remove(L, table - 1);
}

static void push_string(struct unpacking *u)
{
    size_t len = get_count(u);
    lua_pushlstring(u->L, u->at, len);
    u->at += len;
}

static void push_number(struct unpacking *u)
{
    lua_Number number;
    memcpy(&number, u->at, sizeof number);
    u->at += sizeof number;
    lua_pushnumber(u->L, number);
}

static void push_value(struct unpacking *u)
{
    enum aggr_parcel_tag tag = (enum aggr_parcel_tag) * u->at++;
    switch (tag) {
    case AGGR_PARCEL_FALSE:
    case AGGR_PARCEL_TRUE:
        lua_pushboolean(u->L, tag == AGGR_PARCEL_TRUE);
        return;
    case AGGR_PARCEL_NUMBER:
        push_number(u);
        return;
    case AGGR_PARCEL_STRING:
        push_string(u);
        return;
    case AGGR_PARCEL_DIGITS:
        aggr_parcel_state_push(u->L, AGGR_PARCEL_STATE_EXACT);
        push_string(u);
        lua_call(u->L, 1, 1);
        return;
    case AGGR_PARCEL_NONE:
        lua_pushlightuserdata(u->L, NULL);
        return;
    case AGGR_PARCEL_TABLE:
        push_table(u);
        return;
    case AGGR_PARCEL_SEEN:
        lua_rawgeti(u->L, u->seen, (int)get_count(u));
        return;
    case AGGR_PARCEL_NIL:
    case AGGR_PARCEL_END:
        break;
    }
    lua_pushnil(u->L);
}

int aggr_parcel_unpack(lua_State *L, const struct aggr_buf *parcel)
{
    int top = lua_gettop(L);
    struct unpacking u = {.L = L, .at = parcel->data, .seen = top + 1, .marks = top + 2};
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_newtable(L);
    aggr_parcel_state_push(L, AGGR_PARCEL_STATE_MARKS);
    while (u.at < parcel->data + parcel->len) {
        luaL_checkstack(L, LUA_MINSTACK, "too many values");
        push_value(&u);
    }
    lua_remove(L, u.seen);
    lua_remove(L, u.seen);
    return lua_gettop(L) - top;
}
