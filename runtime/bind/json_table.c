#include "bind/json_table.h"
#include "bind/json_members.h"
#include <lauxlib.h>
#include <math.h>

/* Lua's stack gives a C function 8,000 slots: up to here tables spread what they hold on it, beyond
 * they leave what the depth may need. */
enum { SPREAD_SLOTS = 1500, PLAIN_SLOTS = 6, SPREAD = AGGR_JSON_SHAPE_KEYS };

/* n when the keys of the table are exactly 1..n (n > 0), else 0. */
static int list_length(lua_State *L, int index)
{
    size_t length = lua_objlen(L, index), count = 0;
    if (length == 0)
        return 0;
    for (lua_pushnil(L); lua_next(L, index); count++) {
        lua_pop(L, 1);
        lua_Number key = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
        if (!(key >= 1 && key <= (lua_Number)length && key == floor(key))) {
            lua_pop(L, 1);
            return 0;
        }
    }
    return count == length ? (int)length : 0;
}

static void begin_item(struct aggr_json_encoder *e, lua_State *L, int number)
{
    if (number > 1)
        aggr_json_out_put_byte(&e->out, L, ',');
    aggr_json_encoder_put_line(e, L);
    e->steps[e->depth - 1] = number;
}

static void close(struct aggr_json_encoder *e, lua_State *L, char bracket, bool filled)
{
    e->depth--;
    if (filled)
        aggr_json_encoder_put_line(e, L);
    aggr_json_out_put_byte(&e->out, L, bracket);
}

static void put_array(struct aggr_json_encoder *e, lua_State *L, int index, int length)
{
    int item = lua_gettop(L) + 1;
    aggr_json_out_put_byte(&e->out, L, '[');
    e->ways[e->depth] = e->ways[e->depth - 1];
    for (int i = 1; i <= length; i++) {
        begin_item(e, L, i);
        lua_rawgeti(L, index, i);
        aggr_json_encoder_put_value(e, L, item);
        lua_settop(L, item - 1);
    }
    close(e, L, ']', length > 0);
}

/* The first key and its value are on the stack. Pushes all other values and leaves nothing but
 * values when the keys come as 1, 2, ... and are few. Returns how many, or -1. */
static int spread_items(lua_State *L, int index)
{
    int count = 0;
    do {
        if (count == SPREAD || lua_type(L, -2) != LUA_TNUMBER ||
            lua_tonumber(L, -2) != (lua_Number)(count + 1))
            return -1;
        count++;
        lua_insert(L, -2);
    } while (lua_next(L, index));
    return count;
}

static void put_spread_items(struct aggr_json_encoder *e, lua_State *L, int first, int count)
{
    aggr_json_out_put_byte(&e->out, L, '[');
    e->ways[e->depth] = e->ways[e->depth - 1];
    for (int i = 0; i < count; i++) {
        begin_item(e, L, i + 1);
        aggr_json_encoder_put_value(e, L, first + i);
    }
    close(e, L, ']', true);
}

static bool learn(struct aggr_json_encoder *e, lua_State *L, struct aggr_json_shape *shape,
                  int first, int count)
{
    return aggr_json_shape_learn(shape, L, first, count, e->style.sorted, AGGR_JSON_KEPT,
                                 (int)(shape - e->shapes) * AGGR_JSON_SHAPE_KEYS + 1);
}

/* The first key and its value are on the stack. Pushes all others, each key below its value, when
 * `shape` can be that of the object. Returns how many, or -1: it cannot. */
static int spread_members(struct aggr_json_encoder *e, lua_State *L, int index,
                          struct aggr_json_shape *shape)
{
    int first = lua_gettop(L) - 1, count = 0;
    bool known = true;
    do {
        known = known && aggr_json_shape_has(shape, count, lua_topointer(L, -2));
        if (!known && (count == SPREAD || lua_type(L, -2) != LUA_TSTRING))
            return -1;
        count++;
        lua_pushvalue(L, -2);
    } while (lua_next(L, index));
    if ((!known || count != shape->count) && !learn(e, L, shape, first, count))
        return -1;
    return count;
}

/* The members that are spread from `first` up. An object inside may take the shape for itself. */
static void put_spread_members(struct aggr_json_encoder *e, lua_State *L, int first, int count,
                               struct aggr_json_shape *shape)
{
    uint32_t version = shape->version;
    for (int i = 0; i < count; i++) {
        if (shape->version != version) {
            learn(e, L, shape, first, count);
            version = shape->version;
        }
        int place = shape->order[i], key = first + 2 * place;
        const uint16_t *begin = shape->begin + place;
        size_t len = (size_t)(begin[1] - begin[0]);
        aggr_json_out_reserve(&e->out, L, len + 2);
        if (i > 0)
            *e->out.at++ = ',';
        if (e->style.pretty) {
            aggr_json_encoder_put_line(e, L);
            aggr_json_out_reserve(&e->out, L, len + 1);
        }
        aggr_json_out_put(&e->out, shape->text + begin[0], len);
        if (e->style.pretty)
            *e->out.at++ = ' ';
        e->steps[e->depth - 1] = -key;
        e->ways[e->depth] = (unsigned)place;
        aggr_json_encoder_put_value(e, L, key + 1);
    }
}

static struct aggr_json_shape *shape_of(struct aggr_json_encoder *e)
{
    enum { WAYS = 8 };
    unsigned slot = (unsigned)e->depth * WAYS + e->ways[e->depth - 1] % WAYS;
    return &e->shapes[slot % AGGR_JSON_SHAPES];
}

static void put_object(struct aggr_json_encoder *e, lua_State *L, int index, int order, bool rename)
{
    aggr_json_out_put_byte(&e->out, L, '{');
    e->ways[e->depth] = 0;
    close(e, L, '}', aggr_json_members_put(e, L, index, order, rename));
}

/* Pushes the mark of the table, or of the one it stands for. */
static void push_mark(lua_State *L, int index, int given)
{
    lua_pushvalue(L, given);
    lua_rawget(L, lua_upvalueindex(AGGR_JSON_MARKED));
    if (!lua_isnil(L, -1) || index == given)
        return;
    lua_pop(L, 1);
    push_mark(L, index, index);
}

/* Whatever sort of table it is. `mark`: the index of its mark; `is_list`: it has the metatable of
 * empty arrays. */
static void put_any(struct aggr_json_encoder *e, lua_State *L, int index, int mark, bool is_list)
{
    bool ordered = lua_istable(L, mark);
    bool named = lua_isstring(L, mark), array = named && *lua_tostring(L, mark) == 'a';
    bool object = ordered || (named && !array);
    array = array || (!object && is_list);
    int length = object ? 0 : list_length(L, index);
    if (array && length == 0 && !aggr_json_encoder_is_empty(L, index))
        aggr_json_encoder_refuse(e, L, "array", index);
    if (length > 0 || array)
        put_array(e, L, index, length);
    else
        put_object(e, L, index, ordered ? mark : 0, object);
}

/* What few items and members there are at once: true when it was written. */
static bool put_spread(struct aggr_json_encoder *e, lua_State *L, int index, int top)
{
    lua_pushnil(L);
    if (!lua_next(L, index))
        return false;
    if (lua_type(L, -2) == LUA_TNUMBER) {
        int items = spread_items(L, index);
        if (items > 0)
            put_spread_items(e, L, top + 1, items);
        return items > 0;
    }
    struct aggr_json_shape *shape = shape_of(e);
    int members = spread_members(e, L, index, shape);
    if (members < 0)
        return false;
    aggr_json_out_put_byte(&e->out, L, '{');
    put_spread_members(e, L, top + 1, members, shape);
    close(e, L, '}', true);
    return true;
}

static void enter(struct aggr_json_encoder *e, lua_State *L, int index)
{
    const void *table = lua_topointer(L, index);
    for (int i = 0; i < e->depth; i++)
        if (e->open[i] == table)
            aggr_json_encoder_refuse(e, L, "cycle", index);
    if (e->depth == AGGR_JSON_ENCODE_DEPTH)
        aggr_json_encoder_refuse(e, L, "deep", index);
    e->steps[e->depth] = 0;
    e->open[e->depth++] = table;
}

void aggr_json_table_put(struct aggr_json_encoder *e, lua_State *L, int index, int given,
                         bool is_list)
{
    int top = lua_gettop(L);
    bool room = top <= SPREAD_SLOTS;
    luaL_checkstack(L, (room ? 2 * SPREAD : PLAIN_SLOTS) + LUA_MINSTACK, "nested too deep");
    enter(e, L, given);
    if (!e->marks && !is_list && room && put_spread(e, L, index, top)) {
        lua_settop(L, top);
        return;
    }
    lua_settop(L, top);
    push_mark(L, index, given);
    if (room && !is_list && lua_isnil(L, top + 1) && e->marks && put_spread(e, L, index, top + 1)) {
        lua_settop(L, top);
        return;
    }
    lua_settop(L, top + 1);
    put_any(e, L, index, top + 1, is_list);
    lua_settop(L, top);
}
