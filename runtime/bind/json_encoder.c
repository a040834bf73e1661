#include "bind/json_encoder.h"
#include "base/err.h"
#include "base/json_format.h"
#include "base/json_quote.h"
#include "base/json_word.h"
#include "bind/json_members.h"
#include "task/object.h"
#include <lauxlib.h>
#include <math.h>

enum { CDATA = 10 }; /* LuaJIT's type that lua.h has no name for */

/* Lua's stack gives a C function 8,000 slots: up to here objects spread their members on it, beyond
 * they leave what the depth may need. */
enum { SPREAD_SLOTS = 1500, PLAIN_SLOTS = 6 };

static int l_collect(lua_State *L)
{
    struct aggr_json_encoder *e = aggr_object_check(L, 1, AGGR_OBJECT_ENCODER);
    aggr_json_out_deinit(&e->out, L);
    return 0;
}

void aggr_json_encoder_define(lua_State *L)
{
    aggr_object_define(L, AGGR_OBJECT_ENCODER);
    lua_pushcfunction(L, l_collect);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

struct aggr_json_encoder *aggr_json_encoder_new(lua_State *L, int list)
{
    const void *list_pointer = lua_topointer(L, list);
    struct aggr_json_encoder *e = aggr_object_new(L, AGGR_OBJECT_ENCODER, sizeof *e);
    e->busy = e->marks = false;
    e->style = (struct aggr_json_style){0};
    e->list = list_pointer;
    aggr_json_out_init(&e->out);
    for (int i = 0; i < AGGR_JSON_SHAPES; i++)
        e->shapes[i].version = e->shapes[i].count = 0;
    return e;
}

static void push_path(const struct aggr_json_encoder *e, lua_State *L)
{
    lua_createtable(L, e->depth, 0);
    for (int i = 0; i < e->depth && e->steps[i] != 0; i++) {
        if (e->steps[i] > 0)
            lua_pushinteger(L, e->steps[i]);
        else
            lua_pushvalue(L, -e->steps[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

void aggr_json_encoder_refuse(struct aggr_json_encoder *e, lua_State *L, const char *why, int index)
{
    int reason = lua_gettop(L);
    luaL_checkstack(L, LUA_MINSTACK, "nested too deep");
    lua_pushvalue(L, lua_upvalueindex(AGGR_JSON_REFUSE));
    lua_pushvalue(L, AGGR_JSON_WHAT);
    push_path(e, L);
    if (why)
        lua_pushstring(L, why);
    else
        lua_pushvalue(L, reason);
    lua_pushvalue(L, index);
    e->busy = false;
    lua_call(L, 4, 0);
    AGGR_CHECK(!"refused values raise");
    __builtin_unreachable();
}

static void put_pieces(struct aggr_json_encoder *e, lua_State *L, int index, const char *at,
                       const char *end)
{
    enum { PIECE = 4096 };
    struct aggr_json_out *out = &e->out;
    do {
        const char *stop = end - at > PIECE ? at + PIECE : end;
        aggr_json_out_reserve(out, L, AGGR_JSON_QUOTE_ROOM((size_t)(stop - at)));
        if (!aggr_json_quote(&at, stop, e->style.replace, &out->at))
            aggr_json_encoder_refuse(e, L, "utf8", index);
    } while (at < end);
}

void aggr_json_encoder_put_string(struct aggr_json_encoder *e, lua_State *L, int index)
{
    enum { SHORT = 128 };
    size_t len;
    const char *bytes = lua_tolstring(L, index, &len);
    struct aggr_json_out *out = &e->out;
    aggr_json_out_reserve(out, L, SHORT + 2);
    *out->at++ = '"';
    if (len <= SHORT && aggr_json_copy_short(out->at, bytes, len))
        out->at += len;
    else
        put_pieces(e, L, index, bytes, bytes + len);
    aggr_json_out_put_byte(out, L, '"');
}

static void put_number(struct aggr_json_encoder *e, lua_State *L, int index)
{
    double value = lua_tonumber(L, index);
    if (isnan(value))
        aggr_json_encoder_refuse(e, L, "nan", index);
    if (isinf(value))
        aggr_json_encoder_refuse(e, L, "infinity", index);
    aggr_json_out_reserve(&e->out, L, AGGR_JSON_FORMAT_BYTES);
    e->out.at = aggr_json_format(e->out.at, value);
}

static void put_word(struct aggr_json_encoder *e, lua_State *L, const char *word, size_t len)
{
    aggr_json_out_reserve(&e->out, L, len);
    aggr_json_out_put(&e->out, word, len);
}

void aggr_json_encoder_put_line(struct aggr_json_encoder *e, lua_State *L)
{
    if (!e->style.pretty)
        return;
    size_t spaces = 2 * (size_t)e->depth;
    aggr_json_out_reserve(&e->out, L, 1 + spaces);
    *e->out.at++ = '\n';
    memset(e->out.at, ' ', spaces);
    e->out.at += spaces;
}

static bool is_empty(lua_State *L, int index)
{
    lua_pushnil(L);
    if (!lua_next(L, index))
        return true;
    lua_pop(L, 2);
    return false;
}

static void look_for_marks(struct aggr_json_encoder *e, lua_State *L)
{
    e->marks = e->marks || !is_empty(L, lua_upvalueindex(AGGR_JSON_MARKED));
}

/* Pushes what is encoded in place of the value. */
static void push_resolved(struct aggr_json_encoder *e, lua_State *L, int index)
{
    luaL_checkstack(L, LUA_MINSTACK, "nested too deep");
    lua_pushvalue(L, lua_upvalueindex(AGGR_JSON_RESOLVE));
    lua_pushvalue(L, index);
    lua_call(L, 1, 2);
    look_for_marks(e, L); /* it may have made some */
    if (lua_isnil(L, -2))
        aggr_json_encoder_refuse(e, L, NULL, index);
    lua_pop(L, 1);
}

/* Of what is no table. */
static void put_resolved(struct aggr_json_encoder *e, lua_State *L, int index)
{
    push_resolved(e, L, index);
    aggr_json_encoder_put_value(e, L, lua_gettop(L));
    lua_pop(L, 1);
}

static void put_cdata(struct aggr_json_encoder *e, lua_State *L, int index)
{
    size_t len;
    lua_pushvalue(L, index);
    lua_rawget(L, lua_upvalueindex(AGGR_JSON_DIGITS));
    const char *digits = lua_tolstring(L, -1, &len);
    if (digits)
        put_word(e, L, digits, len);
    lua_pop(L, 1);
    if (!digits)
        put_resolved(e, L, index);
}

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

static void put_array(struct aggr_json_encoder *e, lua_State *L, int index, int length)
{
    int item = lua_gettop(L) + 1;
    aggr_json_out_put_byte(&e->out, L, '[');
    e->ways[e->depth] = e->ways[e->depth - 1];
    for (int i = 1; i <= length; i++) {
        if (i > 1)
            aggr_json_out_put_byte(&e->out, L, ',');
        aggr_json_encoder_put_line(e, L);
        e->steps[e->depth - 1] = i;
        lua_rawgeti(L, index, i);
        aggr_json_encoder_put_value(e, L, item);
        lua_settop(L, item - 1);
    }
    e->depth--;
    if (length > 0)
        aggr_json_encoder_put_line(e, L);
    aggr_json_out_put_byte(&e->out, L, ']');
}

static bool learn(struct aggr_json_encoder *e, lua_State *L, struct aggr_json_shape *shape,
                  int first, int count)
{
    return aggr_json_shape_learn(shape, L, first, count, e->style.sorted,
                                 lua_upvalueindex(AGGR_JSON_KEPT),
                                 (int)(shape - e->shapes) * AGGR_JSON_SHAPE_KEYS + 1);
}

/* Pushes all keys and values, each key below its value, when `shape` can be that of the object.
 * Returns how many, or -1: it cannot. */
static int spread(struct aggr_json_encoder *e, lua_State *L, int index,
                  struct aggr_json_shape *shape)
{
    int top = lua_gettop(L), count = 0;
    bool known = true;
    if (top > SPREAD_SLOTS)
        return -1;
    for (lua_pushnil(L); lua_next(L, index); count++) {
        known = known && aggr_json_shape_has(shape, count, lua_topointer(L, -2));
        if (!known && (count == AGGR_JSON_SHAPE_KEYS || lua_type(L, -2) != LUA_TSTRING))
            return -1;
        lua_pushvalue(L, -2);
    }
    if ((!known || count != shape->count) && !learn(e, L, shape, top + 1, count))
        return -1;
    return count;
}

/* The members that are spread from `first` up. An object inside may take the shape for itself. */
static void put_spread(struct aggr_json_encoder *e, lua_State *L, int first, int count,
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

static void put_object(struct aggr_json_encoder *e, lua_State *L, int index, int order, bool rename)
{
    enum { WAYS = 4 };
    int top = lua_gettop(L);
    unsigned slot = (unsigned)e->depth * WAYS + e->ways[e->depth - 1] % WAYS;
    struct aggr_json_shape *shape = &e->shapes[slot % AGGR_JSON_SHAPES];
    bool filled;
    aggr_json_out_put_byte(&e->out, L, '{');
    int count = order ? -1 : spread(e, L, index, shape);
    if (count >= 0) {
        put_spread(e, L, top + 1, count, shape);
        filled = count > 0;
    } else {
        lua_settop(L, top);
        e->ways[e->depth] = 0;
        filled = aggr_json_members_put(e, L, index, order, rename);
    }
    lua_settop(L, top);
    e->depth--;
    if (filled)
        aggr_json_encoder_put_line(e, L);
    aggr_json_out_put_byte(&e->out, L, '}');
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

/* What sort of table one with a metatable is. */
static bool is_list(const struct aggr_json_encoder *e, lua_State *L, int index)
{
    bool is = lua_getmetatable(L, index);
    if (is) {
        is = lua_topointer(L, -1) == e->list;
        lua_pop(L, 1);
    }
    return is;
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

static void put_marked(struct aggr_json_encoder *e, lua_State *L, int index, int mark, bool is_list)
{
    bool ordered = lua_istable(L, mark);
    bool named = lua_isstring(L, mark), array = named && *lua_tostring(L, mark) == 'a';
    bool object = ordered || (named && !array);
    array = array || (!object && is_list);
    int length = object ? 0 : list_length(L, index);
    if (array && length == 0 && !is_empty(L, index))
        aggr_json_encoder_refuse(e, L, "array", index);
    if (length > 0 || array)
        put_array(e, L, index, length);
    else
        put_object(e, L, index, ordered ? mark : 0, object);
}

/* The table at `index`, in the place of the one at `given`; both may be the same. */
static void put_table(struct aggr_json_encoder *e, lua_State *L, int index, int given, bool is_list)
{
    luaL_checkstack(L,
                    lua_gettop(L) > SPREAD_SLOTS ? PLAIN_SLOTS + LUA_MINSTACK
                                                 : 2 * AGGR_JSON_SHAPE_KEYS + LUA_MINSTACK,
                    "nested too deep");
    enter(e, L, given);
    if (e->marks) {
        push_mark(L, index, given);
        int mark = lua_gettop(L);
        put_marked(e, L, index, mark, is_list);
        lua_settop(L, mark - 1);
        return;
    }
    int length = list_length(L, index);
    if (length > 0 || (is_list && is_empty(L, index)))
        put_array(e, L, index, length);
    else if (is_list)
        aggr_json_encoder_refuse(e, L, "array", index);
    else
        put_object(e, L, index, 0, false);
}

/* A table with a metatable: it may be an Error, or say itself what it is. */
static void put_special(struct aggr_json_encoder *e, lua_State *L, int index)
{
    if (is_list(e, L, index)) {
        put_table(e, L, index, index, true);
        return;
    }
    push_resolved(e, L, index);
    int resolved = lua_gettop(L);
    if (lua_istable(L, resolved))
        put_table(e, L, resolved, index, is_list(e, L, resolved));
    else
        aggr_json_encoder_put_value(e, L, resolved);
    lua_settop(L, resolved - 1);
}

void aggr_json_encoder_put_value(struct aggr_json_encoder *e, lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        aggr_json_encoder_put_string(e, L, index);
        break;
    case LUA_TNUMBER:
        put_number(e, L, index);
        break;
    case LUA_TBOOLEAN:
        if (lua_toboolean(L, index))
            put_word(e, L, "true", 4);
        else
            put_word(e, L, "false", 5);
        break;
    case LUA_TTABLE:
        if (lua_getmetatable(L, index)) {
            lua_pop(L, 1);
            put_special(e, L, index);
        } else {
            put_table(e, L, index, index, false);
        }
        break;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index))
            put_resolved(e, L, index);
        else
            put_word(e, L, "null", 4);
        break;
    case CDATA:
        put_cdata(e, L, index);
        break;
    default:
        put_resolved(e, L, index);
    }
}

void aggr_json_encoder_run(struct aggr_json_encoder *e, lua_State *L, struct aggr_json_style style)
{
    if (style.sorted != e->style.sorted)
        for (int i = 0; i < AGGR_JSON_SHAPES; i++)
            e->shapes[i].count = 0;
    e->style = style;
    e->depth = 0;
    e->ways[0] = 0;
    e->busy = true;
    aggr_json_out_shrink(&e->out, L); /* what an error has left */
    look_for_marks(e, L);
    aggr_json_encoder_put_value(e, L, AGGR_JSON_VALUE);
    lua_pushlstring(L, e->out.bytes, (size_t)(e->out.at - e->out.bytes));
    aggr_json_out_shrink(&e->out, L);
    e->busy = false;
}
