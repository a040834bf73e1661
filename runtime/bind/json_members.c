#include "bind/json_members.h"
#include <lauxlib.h>
#include <stdlib.h>

struct name {
    const char *bytes;
    size_t len;
    int number; /* in the list of names */
};

static int compare(const void *a, const void *b)
{
    const struct name *left = a, *right = b;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->bytes, right->bytes, len);
    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

/* How many keys, or -1: one of them is no string. */
static int count_names(lua_State *L, int index)
{
    int count = 0;
    for (lua_pushnil(L); lua_next(L, index); count++) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            lua_pop(L, 1);
            return -1;
        }
    }
    return count;
}

/* Writes the member whose key and value are the two on top of the stack, and pops them. */
static void put_member(struct aggr_json_encoder *e, lua_State *L, bool first)
{
    int key = lua_gettop(L) - 1;
    aggr_json_out_reserve(&e->out, L, 1);
    if (!first)
        *e->out.at++ = ',';
    e->steps[e->depth - 1] = -key;
    aggr_json_encoder_put_line(e, L);
    aggr_json_encoder_put_string(e, L, key);
    aggr_json_out_reserve(&e->out, L, 2);
    aggr_json_out_put(&e->out, ": ", e->style.pretty ? 2 : 1);
    aggr_json_encoder_put_value(e, L, key + 1);
    lua_settop(L, key - 1);
}

/* Those of the list at `order` that are there. Returns how many. */
static int put_ordered(struct aggr_json_encoder *e, lua_State *L, int index, int order)
{
    int count = 0, length = (int)lua_objlen(L, order);
    for (int i = 1; i <= length; i++) {
        lua_rawgeti(L, order, i);
        lua_pushvalue(L, -1);
        lua_rawget(L, index);
        if (lua_isnil(L, -1))
            lua_pop(L, 2);
        else
            put_member(e, L, count++ == 0);
    }
    return count;
}

/* Pushes the strings of the list at `order` as keys of a table; nothing in it without a list. */
static void push_taken(lua_State *L, int order)
{
    lua_newtable(L);
    for (int i = order ? (int)lua_objlen(L, order) : 0; i > 0; i--) {
        lua_rawgeti(L, order, i);
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
    }
}

/* Pushes the keys that are not taken as a list, and memory for as many of the encoder's names. */
static struct name *push_names(lua_State *L, int index, int taken, int most, int *count)
{
    lua_createtable(L, most, 0);
    int list = lua_gettop(L);
    struct name *names = lua_newuserdata(L, (size_t)most * sizeof *names);
    *count = 0;
    for (lua_pushnil(L); lua_next(L, index);) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawget(L, taken);
        bool is_taken = !lua_isnil(L, -1);
        lua_pop(L, 1);
        if (is_taken)
            continue;
        if (*count == most) { /* a finalizer has put more into the table */
            lua_pop(L, 1);
            break;
        }
        struct name *name = &names[(*count)++];
        name->bytes = lua_tolstring(L, -1, &name->len);
        name->number = *count;
        lua_pushvalue(L, -1);
        lua_rawseti(L, list, *count);
    }
    return names;
}

/* What is not in the list at `order`, which has been written. */
static void put_rest(struct aggr_json_encoder *e, lua_State *L, int index, int order, int count,
                     bool first)
{
    push_taken(L, order);
    int list = lua_gettop(L) + 1;
    struct name *names = push_names(L, index, list - 1, count, &count);
    if (e->style.sorted || order)
        qsort(names, (size_t)count, sizeof *names, compare);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, list, names[i].number);
        lua_pushvalue(L, -1);
        lua_rawget(L, index);
        put_member(e, L, first && i == 0);
    }
    lua_settop(L, list - 2);
}

/* Pushes the table with its number keys as strings. */
static void push_renamed(struct aggr_json_encoder *e, lua_State *L, int index)
{
    lua_pushvalue(L, lua_upvalueindex(AGGR_JSON_RENAME));
    lua_pushvalue(L, index);
    lua_call(L, 1, 2);
    if (lua_isnil(L, -2))
        aggr_json_encoder_refuse(e, L, NULL, index);
    lua_pop(L, 1);
}

bool aggr_json_members_put(struct aggr_json_encoder *e, lua_State *L, int index, int order,
                           bool rename)
{
    int count = count_names(L, index);
    if (count < 0) {
        if (!rename)
            aggr_json_encoder_refuse(e, L, "members", index);
        push_renamed(e, L, index);
        index = lua_gettop(L);
        count = count_names(L, index);
    }
    int ordered = order ? put_ordered(e, L, index, order) : 0;
    if (ordered < count)
        put_rest(e, L, index, order, count, ordered == 0);
    return count > 0;
}
