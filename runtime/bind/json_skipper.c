#include "bind/json_skipper.h"
#include <lauxlib.h>
#include <string.h>

void aggr_json_skipper_start(struct aggr_json_skipper *skipper, const char *text, size_t len,
                             int deepest, bool any_integer)
{
    struct aggr_json_skip *skip = &skipper->skip;
    aggr_json_skip_start(skip, text, len);
    skip->levels = skipper->own;
    skip->room = AGGR_JSON_OWN_LEVELS;
    skip->deepest = deepest;
    skip->any_integer = any_integer;
}

static void make_room(struct aggr_json_skip *skip, lua_State *L)
{
    enum { TIMES = 4 };
    int room = skip->room * TIMES < skip->deepest ? skip->room * TIMES : skip->deepest;
    lua_getfenv(L, 1);
    struct aggr_json_skip_level *levels = lua_newuserdata(L, (size_t)room * sizeof *levels);
    lua_rawseti(L, -2, AGGR_JSON_SKIPPER_LEVELS);
    lua_pop(L, 1);
    memcpy(levels, skip->levels, (size_t)skip->depth * sizeof *levels);
    skip->levels = levels;
    skip->room = room;
}

enum aggr_json_skipped aggr_json_skipper_run(struct aggr_json_skipper *skipper, lua_State *L,
                                             size_t bytes)
{
    struct aggr_json_skip *skip = &skipper->skip;
    enum aggr_json_skipped verdict;
    size_t left = (size_t)(skip->end - skip->at);
    skip->stop = bytes < left ? skip->at + bytes : skip->end;
    while ((verdict = aggr_json_skip_run(skip)) == AGGR_JSON_SKIP_ROOM)
        make_room(skip, L);
    return verdict;
}

size_t aggr_json_skipper_bytes(lua_State *L, int index)
{
    lua_Number bytes = luaL_checknumber(L, index);
    return bytes >= 1 && bytes <= 1e9 ? (size_t)bytes : SIZE_MAX;
}

/* Pushes the key of an object's member under way. */
static void push_key(const struct aggr_json_skip *skip, lua_State *L, size_t offset)
{
    const char *key = skip->start + offset, *end = key;
    aggr_json_pass_string(&end, skip->end, skip->end);
    char *bytes = lua_newuserdata(L, (size_t)(end - key) + AGGR_JSON_UNESCAPE_EXTRA), *out = bytes;
    aggr_json_unescape(&key, end, skip->end, &out);
    lua_pushlstring(L, bytes, (size_t)(out - bytes));
    lua_remove(L, -2);
}

void aggr_json_skipper_push_wrong(const struct aggr_json_skipper *skipper, lua_State *L)
{
    const struct aggr_json_skip *skip = &skipper->skip;
    lua_pushfstring(L, aggr_json_wrong_text(skip->wrong), skip->deepest);
    lua_createtable(L, skip->depth, 0);
    for (int i = 0; i < skip->depth; i++) {
        const struct aggr_json_skip_level *level = &skip->levels[i];
        if (!level->is_object)
            lua_pushnumber(L, (lua_Number)aggr_json_skip_item(skip, i));
        else if (i < skip->depth - 1 || aggr_json_skip_has_key(skip))
            push_key(skip, L, level->key);
        else
            break;
        lua_rawseti(L, -2, i + 1);
    }
}
