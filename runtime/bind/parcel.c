#include "bind/parcel.h"
#include "bind/parcel_state.h"
#include "bind/parcel_tag.h"
#include <ctype.h>
#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

enum { DEEPEST = 1000, SHOWN = 12 };

enum { CDATA = 10 }; /* LuaJIT's type that lua.h has no name for */

/* Where a value stands: in which table, under which key. */
struct place {
    const struct place *up; /* NULL: one of those to be packed */
    int key;                /* stack index; 0: `number` is it */
    int number, depth;
};

struct packing {
    lua_State *L;
    struct aggr_buf *out;
    const char *what;
    char *why;
    int seen;  /* stack index: table -> number of those packed before */
    int marks; /* stack index */
    int tables;
};

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return *text == '\0';
}

/* Pushes ".rows", "[3]" or "[\"a b\"]". */
static void push_step(lua_State *L, const struct place *place)
{
    if (place->key == 0)
        lua_pushfstring(L, "[%d]", place->number);
    else if (lua_type(L, place->key) == LUA_TSTRING && is_name(lua_tostring(L, place->key)))
        lua_pushfstring(L, ".%s", lua_tostring(L, place->key));
    else if (lua_type(L, place->key) == LUA_TSTRING)
        lua_pushfstring(L, "[\"%s\"]", lua_tostring(L, place->key));
    else if (lua_type(L, place->key) == LUA_TNUMBER)
        lua_pushfstring(L, "[%f]", lua_tonumber(L, place->key));
    else
        lua_pushfstring(L, "[%s]", lua_toboolean(L, place->key) ? "true" : "false");
}

static bool refuse(struct packing *p, const struct place *place, const char *text)
{
    lua_State *L = p->L;
    lua_pushliteral(L, "");
    const struct place *at = place;
    for (; at->up; at = at->up) {
        if (at->depth > SHOWN)
            continue;
        push_step(L, at);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    snprintf(p->why, AGGR_PARCEL_WHY_MAX, "%s %d%s%.150s%s %s", p->what, at->number,
             place->up ? ": " : "", lua_tostring(L, -1), place->depth > SHOWN ? "..." : "", text);
    lua_pop(L, 1);
    return false;
}

static void put(struct packing *p, const void *bytes, size_t len)
{
    if (aggr_buf_append(p->out, bytes, len) != AGGR_OK)
        luaL_error(p->L, "not enough memory");
}

static void put_tag(struct packing *p, enum aggr_parcel_tag tag)
{
    char byte = (char)tag;
    put(p, &byte, 1);
}

static void put_count(struct packing *p, size_t count)
{
    uint64_t number = count;
    put(p, &number, sizeof number);
}

static void put_text(struct packing *p, enum aggr_parcel_tag tag, int index)
{
    size_t len;
    const char *bytes = lua_tolstring(p->L, index, &len);
    put_tag(p, tag);
    put_count(p, len);
    put(p, bytes, len);
}

static void put_number(struct packing *p, int index)
{
    lua_Number number = lua_tonumber(p->L, index);
    put_tag(p, AGGR_PARCEL_NUMBER);
    put(p, &number, sizeof number);
}

static bool put_value(struct packing *p, int index, const struct place *place);

/* True when the table was packed before: a reference is put in its place. */
static bool put_seen(struct packing *p, int index)
{
    lua_State *L = p->L;
    lua_pushvalue(L, index);
    lua_rawget(L, p->seen);
    bool seen = lua_isnumber(L, -1);
    if (seen) {
        put_tag(p, AGGR_PARCEL_SEEN);
        put_count(p, (size_t)lua_tonumber(L, -1));
    }
    lua_pop(L, 1);
    if (seen)
        return true;
    lua_pushvalue(L, index);
    lua_pushnumber(L, ++p->tables);
    lua_rawset(L, p->seen);
    return false;
}

static void put_mark(struct packing *p, int index, const struct place *place)
{
    if (lua_getmetatable(p->L, index)) { /* that of lists: no other one comes so far */
        lua_pop(p->L, 1);
        put_tag(p, AGGR_PARCEL_TRUE);
        return;
    }
    lua_pushvalue(p->L, index);
    lua_rawget(p->L, p->marks);
    put_value(p, lua_gettop(p->L), place); /* nothing, a word or a list of keys */
    lua_pop(p->L, 1);
}

/* The pairs that are not of the list 1..length. */
static bool put_pairs(struct packing *p, int index, int length, const struct place *place)
{
    lua_State *L = p->L;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        int key = lua_gettop(L) - 1;
        lua_Number number = lua_type(L, key) == LUA_TNUMBER ? lua_tonumber(L, key) : 0;
        if (number >= 1 && number <= length && number == (int)number)
            continue;
        int type = lua_type(L, key);
        if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
            return refuse(p, place, "has a key that is neither string, number nor boolean");
        struct place below = {.up = place, .key = key, .depth = place->depth + 1};
        if (!put_value(p, key, &below) || !put_value(p, key + 1, &below))
            return false;
    }
    return true;
}

/* Has the table a metatable, and not that of empty lists? */
static bool has_meaning(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return false;
    aggr_parcel_state_push(L, AGGR_PARCEL_STATE_LIST);
    bool is_list = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return !is_list;
}

static bool put_table(struct packing *p, int index, const struct place *place)
{
    lua_State *L = p->L;
    if (place->depth > DEEPEST || !lua_checkstack(L, LUA_MINSTACK))
        return refuse(p, place, "is nested too deep");
    if (put_seen(p, index))
        return true;
    if (has_meaning(L, index))
        return refuse(p, place, "is a table with a metatable");
    int length = (int)lua_objlen(L, index);
    put_tag(p, AGGR_PARCEL_TABLE);
    put_mark(p, index, place);
    put_count(p, (size_t)length);
    for (int i = 1; i <= length; i++) {
        struct place below = {.up = place, .number = i, .depth = place->depth + 1};
        lua_rawgeti(L, index, i);
        if (!put_value(p, lua_gettop(L), &below))
            return false;
        lua_pop(L, 1);
    }
    if (!put_pairs(p, index, length, place))
        return false;
    put_tag(p, AGGR_PARCEL_END);
    return true;
}

static bool refuse_type(struct packing *p, int index, const struct place *place)
{
    char text[64];
    int type = lua_type(p->L, index);
    const char *name = type == LUA_TTHREAD          ? "coroutine"
                       : type == LUA_TLIGHTUSERDATA ? "userdata"
                                                    : lua_typename(p->L, type);
    const char *hint = "";
    if (type == LUA_TUSERDATA && luaL_getmetafield(p->L, index, "__name")) {
        bool is_response = strcmp(lua_tostring(p->L, -1), "aggr.Response") == 0;
        hint = is_response ? " (a Response: pass its body)" : "";
        lua_pop(p->L, 1);
    }
    snprintf(text, sizeof text, "is a %s%s", name, hint);
    return refuse(p, place, text);
}

/* An integer that a double does not hold. False: it is some other cdata. */
static bool put_digits(struct packing *p, int index)
{
    lua_State *L = p->L;
    aggr_parcel_state_push(L, AGGR_PARCEL_STATE_DIGITS);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    bool known = lua_isstring(L, -1);
    if (known)
        put_text(p, AGGR_PARCEL_DIGITS, lua_gettop(L));
    lua_pop(L, 2);
    return known;
}

static bool put_value(struct packing *p, int index, const struct place *place)
{
    switch (lua_type(p->L, index)) {
    case LUA_TNIL:
        put_tag(p, AGGR_PARCEL_NIL);
        return true;
    case LUA_TBOOLEAN:
        put_tag(p, lua_toboolean(p->L, index) ? AGGR_PARCEL_TRUE : AGGR_PARCEL_FALSE);
        return true;
    case LUA_TNUMBER:
        put_number(p, index);
        return true;
    case LUA_TSTRING:
        put_text(p, AGGR_PARCEL_STRING, index);
        return true;
    case LUA_TTABLE:
        return put_table(p, index, place);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(p->L, index))
            break;
        put_tag(p, AGGR_PARCEL_NONE);
        return true;
    case CDATA:
        if (put_digits(p, index))
            return true;
        break;
    default:
        break;
    }
    return refuse_type(p, index, place);
}

bool aggr_parcel_pack(lua_State *L, int first, int last, const char *what, struct aggr_buf *out,
                      char *why)
{
    int top = lua_gettop(L);
    struct packing p = {
        .L = L, .out = out, .what = what, .why = why, .seen = top + 1, .marks = top + 2};
    luaL_checkstack(L, LUA_MINSTACK, "too many values");
    lua_newtable(L);
    aggr_parcel_state_push(L, AGGR_PARCEL_STATE_MARKS);
    bool sound = true;
    for (int i = first; sound && i <= last; i++) {
        struct place place = {.number = i - first + 1};
        sound = put_value(&p, i, &place);
    }
    lua_settop(L, top);
    return sound;
}
