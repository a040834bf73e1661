#include "bind/json_order.h"

/* Pushes the table at `slot` of the store, a new one when there is none. */
static void push_table(lua_State *L, int slot)
{
    lua_rawgeti(L, AGGR_JSON_STORE, slot);
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, AGGR_JSON_STORE, slot);
}

static bool is_there(lua_State *L)
{
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    bool there = !lua_isnil(L, -1);
    lua_pop(L, 1);
    return there;
}

bool aggr_json_order_add(struct aggr_json_reader *reader, lua_State *L)
{
    if (reader->rules.strict && is_there(L)) {
        reader->at = reader->string - 1;
        return false;
    }
    if (reader->rules.order) {
        push_table(L, AGGR_JSON_TRAIL);
        lua_pushvalue(L, -2);
        lua_rawseti(L, -2, (int)++reader->trail);
        lua_pop(L, 1);
    }
    return true;
}

/* Nulls had to stay to be found again as keys. */
static void sweep_nulls(lua_State *L)
{
    int object = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, object);) {
        bool is_null = lua_islightuserdata(L, -1);
        lua_pop(L, 1);
        if (is_null) {
            lua_pushvalue(L, -1);
            lua_pushnil(L);
            lua_rawset(L, object);
        }
    }
}

/* Whether the list at `shape` is what the trail holds at 1 + `from` and behind. */
static bool is_shape(lua_State *L, int shape, int trail, int from, int count)
{
    if (!lua_istable(L, shape) || lua_objlen(L, shape) != (size_t)count)
        return false;
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, shape, i);
        lua_rawgeti(L, trail, from + i);
        bool same = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
        if (!same)
            return false;
    }
    return true;
}

/* Pushes a list of those keys, each where it came first. */
static void push_shape(lua_State *L, int trail, int from, int count)
{
    int length = 0;
    lua_createtable(L, count, 0);
    lua_createtable(L, 0, count);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, trail, from + i);
        if (is_there(L)) {
            lua_pop(L, 1);
            continue;
        }
        lua_pushvalue(L, -1);
        lua_rawseti(L, -4, ++length);
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
    }
    lua_pop(L, 1);
}

/* The mark of the object on top becomes the list of its keys: that of the object which stood in
 * about the same position before, if it is the same. */
static void mark(struct aggr_json_reader *reader, lua_State *L, const struct aggr_json_level *level)
{
    int object = lua_gettop(L), count = (int)level->count, from = (int)reader->trail;
    int position = (level->place + reader->depth * 37) % AGGR_JSON_HINTS + 1;
    lua_rawgeti(L, AGGR_JSON_STORE, AGGR_JSON_MARKS);
    lua_pushvalue(L, object);
    push_table(L, AGGR_JSON_TRAIL);
    push_table(L, AGGR_JSON_SHAPES);
    lua_rawgeti(L, -1, position);
    if (!is_shape(L, object + 5, object + 3, from, count)) {
        lua_pop(L, 1);
        push_shape(L, object + 3, from, count);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, position);
    }
    lua_replace(L, object + 3);
    lua_settop(L, object + 3);
    lua_rawset(L, object + 1);
    lua_settop(L, object);
}

void aggr_json_order_close(struct aggr_json_reader *reader, lua_State *L,
                           const struct aggr_json_level *level)
{
    if (reader->rules.strict && reader->rules.drop_nulls)
        sweep_nulls(L);
    if (!reader->rules.order || level->count == 0)
        return;
    reader->trail -= level->count;
    mark(reader, L, level);
}
