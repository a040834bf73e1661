#include "bind/json_decoder.h"
#include "bind/json_path.h"
#include "task/object.h"
#include <lauxlib.h>
#include <string.h>

struct aggr_json_decoder {
    bool busy;
    int levels_cap;
    int saved; /* values of the stack that are in the environment between two slices */
    struct aggr_json_reader reader;
    struct aggr_json_level levels[];
};

/* In the environment they are behind what the reader keeps there. */
enum { SAVED = AGGR_JSON_STORED };

/* What is in the table at `tools` under `name` goes to `slot` of the one on top. */
static void store(lua_State *L, int tools, const char *name, int slot)
{
    lua_getfield(L, tools, name);
    lua_rawseti(L, -2, slot);
}

struct aggr_json_decoder *aggr_json_decoder_new(lua_State *L, int depth, int tools)
{
    struct aggr_json_decoder *d;
    d = aggr_object_new(L, AGGR_OBJECT_DECODER, sizeof *d + (size_t)depth * sizeof *d->levels);
    d->busy = false;
    d->levels_cap = depth;
    d->saved = 0;
    aggr_json_reader_init(&d->reader, d->levels);
    lua_createtable(L, SAVED, 0);
    store(L, tools, "exact", AGGR_JSON_EXACT);
    store(L, tools, "marks", AGGR_JSON_MARKS);
    lua_setfenv(L, -2);
    return d;
}

struct aggr_json_decoder *aggr_json_decoder_check(lua_State *L, int index)
{
    return aggr_object_check(L, index, AGGR_OBJECT_DECODER);
}

bool aggr_json_decoder_is_busy(const struct aggr_json_decoder *d)
{
    return d->busy;
}

bool aggr_json_decoder_fits(const struct aggr_json_decoder *d, int depth)
{
    return depth <= d->levels_cap;
}

void aggr_json_decoder_start(struct aggr_json_decoder *d, struct aggr_json_text text,
                             struct aggr_json_rules rules)
{
    d->busy = true;
    d->saved = 0;
    aggr_json_reader_start(&d->reader, text, rules);
}

static void push_failure(struct aggr_json_decoder *d, lua_State *L)
{
    const struct aggr_json_reader *reader = &d->reader;
    int top = lua_gettop(L);
    luaL_checkstack(L, LUA_MINSTACK, "nested too deep");
    lua_pushfstring(L, aggr_json_wrong_text(reader->wrong), reader->rules.depth);
    lua_pushnumber(L, (lua_Number)(reader->at - reader->start));
    aggr_json_path_push(reader, L, top);
}

/* What is open goes into the environment. */
static void save_stack(struct aggr_json_decoder *d, lua_State *L)
{
    d->saved = lua_gettop(L) - AGGR_JSON_FIRST + 1;
    for (int i = d->saved; i > 0; i--)
        lua_rawseti(L, AGGR_JSON_STORE, SAVED + i);
}

static void restore_stack(struct aggr_json_decoder *d, lua_State *L)
{
    luaL_checkstack(L, d->saved + 100, "nested too deep");
    for (int i = 1; i <= d->saved; i++)
        lua_rawgeti(L, AGGR_JSON_STORE, SAVED + i);
}

static void finish(struct aggr_json_decoder *d, lua_State *L)
{
    d->busy = false;
    aggr_json_scratch_shrink(&d->reader.scratch, L, AGGR_JSON_STORE, AGGR_JSON_SCRATCH);
}

enum aggr_json_slice aggr_json_decoder_slice(lua_State *L, struct aggr_json_decoder *d,
                                             size_t bytes)
{
    struct aggr_json_reader *reader = &d->reader;
    size_t left = (size_t)(reader->end - reader->at);
    reader->stop = bytes < left ? reader->at + bytes : reader->end;
    lua_getfenv(L, 1);
    if (d->saved > 0)
        restore_stack(d, L);
    switch (aggr_json_reader_run(reader, L)) {
    case AGGR_JSON_FINISHED:
        finish(d, L);
        return AGGR_JSON_DONE;
    case AGGR_JSON_SLICE_OVER:
        save_stack(d, L);
        return AGGR_JSON_MORE;
    default:
        push_failure(d, L);
        finish(d, L);
        return AGGR_JSON_FAILED;
    }
}
