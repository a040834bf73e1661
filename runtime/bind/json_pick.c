/* aggr.core.pick -- finds a few places in JSON texts, for the library alone. A source is a string
 * or a Response.
 *
 *   picker(source, keys, counts, depth, any_integer)
 *                                         The places that are wanted, as a tree: keys[i] leads to
 * the i-th, counts[i] are directly below it. First the document (its key does not count), then what
 * is below it, then what is below those, and so on; what is below one place in the order that
 * base/json_want.h says. step(picker, bytes)                   goes on through so much of the text
 *       -> true                           all of it is JSON
 *       -> nil                            some of it is left
 *       -> false, what, offset, keys      as decode in aggr.core.json says it
 *   select(picker, i) -> offset | nil     the i-th place; nil: there is no such value. Otherwise
 * the picker can be given to decode as a source. SLICE                                 bytes for a
 * step
 */
#include "bind/json_pick.h"
#include "bind/json_skipper.h"
#include "bind/json_source.h"
#include "task/object.h"
#include <lauxlib.h>

/* What is in the environment. */
enum { KEYS = AGGR_JSON_SKIPPER_STORED + 1, SOURCE };

/* The places and the wants' scratch memory are behind it. */
struct picker {
    struct aggr_json_skipper skipper;
    bool busy;
    uint32_t selected, count;
    struct aggr_json_want places[];
};

static struct picker *check(lua_State *L)
{
    return aggr_object_check(L, 1, AGGR_OBJECT_PICKER);
}

/* Of the list of keys at 2. */
static size_t longest_key(lua_State *L, uint32_t count)
{
    size_t longest = 0;
    for (uint32_t i = 1; i <= count; i++) {
        lua_rawgeti(L, 2, (int)i);
        luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 2, "not a string");
        if (lua_objlen(L, -1) > longest)
            longest = lua_objlen(L, -1);
        lua_pop(L, 1);
    }
    return longest;
}

/* From the lists at 2 and 3; the strings stay where they are as long as the first does. */
static void read_places(lua_State *L, struct picker *picker)
{
    uint32_t next = 1;
    for (uint32_t i = 0; i < picker->count; i++) {
        struct aggr_json_want *place = &picker->places[i];
        lua_rawgeti(L, 2, (int)i + 1);
        lua_rawgeti(L, 3, (int)i + 1);
        place->key = lua_tolstring(L, -2, &place->len);
        place->index = aggr_json_want_index(place->key, place->len);
        uint32_t below = (uint32_t)lua_tointeger(L, -1);
        luaL_argcheck(L, below <= picker->count - next, 3, "more places than keys");
        place->first = next;
        for (; next < place->first + below; next++)
            picker->places[next].parent = i;
        place->behind = next;
        place->from = NULL;
        lua_pop(L, 2);
    }
}

static void keep(lua_State *L)
{
    lua_createtable(L, SOURCE, 0);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, KEYS);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, SOURCE);
    lua_setfenv(L, -2);
}

static int l_picker(lua_State *L)
{
    struct aggr_json_text text = aggr_json_source(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    int depth = (int)luaL_checkinteger(L, 4);
    bool any_integer = lua_toboolean(L, 5);
    lua_settop(L, 4);
    uint32_t count = (uint32_t)lua_objlen(L, 2);
    luaL_argcheck(L, count > 0, 2, "no places");
    luaL_argcheck(L, depth > 0, 4, "out of range");
    size_t longest = longest_key(L, count);
    size_t size = sizeof(struct picker) + count * sizeof(struct aggr_json_want);
    struct picker *picker =
        aggr_object_new(L, AGGR_OBJECT_PICKER, size + AGGR_JSON_WANT_SCRATCH(longest));
    *picker = (struct picker){.busy = true, .count = count};
    read_places(L, picker);
    aggr_json_skipper_start(&picker->skipper, text.bytes, text.len, depth, any_integer);
    picker->skipper.skip.wants = (struct aggr_json_wants){
        .places = picker->places, .longest = longest, .scratch = (char *)picker + size};
    keep(L);
    return 1;
}

static int l_step(lua_State *L)
{
    struct picker *picker = check(L);
    const struct aggr_json_skip *skip = &picker->skipper.skip;
    luaL_argcheck(L, picker->busy, 1, "it is done");
    enum aggr_json_skipped verdict =
        aggr_json_skipper_run(&picker->skipper, L, aggr_json_skipper_bytes(L, 2));
    picker->busy = verdict == AGGR_JSON_SKIP_SLICE;
    if (picker->busy) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushboolean(L, verdict == AGGR_JSON_SKIP_DONE);
    if (verdict == AGGR_JSON_SKIP_DONE)
        return 1;
    aggr_json_skipper_push_wrong(&picker->skipper, L);
    lua_pushnumber(L, (lua_Number)(skip->at - skip->start));
    lua_insert(L, -2);
    return 4;
}

static int l_select(lua_State *L)
{
    struct picker *picker = check(L);
    lua_Integer i = luaL_checkinteger(L, 2);
    luaL_argcheck(L, !picker->busy, 1, "it is not done");
    luaL_argcheck(L, i >= 1 && i <= (lua_Integer)picker->count, 2, "out of range");
    picker->selected = (uint32_t)i - 1;
    if (!aggr_json_wants_found(&picker->skipper.skip.wants, picker->selected))
        return 0;
    lua_pushnumber(
        L, (lua_Number)(picker->places[picker->selected].from - picker->skipper.skip.start));
    return 1;
}

bool aggr_json_pick_text(lua_State *L, int index, struct aggr_json_text *text)
{
    const struct picker *picker = aggr_object_at(L, index, AGGR_OBJECT_PICKER);
    if (!picker)
        return false;
    const struct aggr_json_want *place = &picker->places[picker->selected];
    luaL_argcheck(L, !picker->busy && place->from, index, "nothing is selected");
    *text = (struct aggr_json_text){place->from, (size_t)(place->to - place->from)};
    return true;
}

int aggr_bind_json_pick(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"picker", l_picker}, {"step", l_step}, {"select", l_select}, {NULL, NULL}};
    aggr_object_define(L, AGGR_OBJECT_PICKER);
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    lua_pushinteger(L, AGGR_JSON_SKIPPER_BYTES);
    lua_setfield(L, -2, "SLICE");
    return 1;
}
