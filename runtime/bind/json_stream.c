/* aggr.core.stream -- JSON values one behind the other in a text that comes in pieces, for the
 * library alone.
 *
 *   stream(depth, any_integer) -> stream  any_integer: integers may be larger than any double
 *   feed(stream, piece)                   a string or a Response; only when next wants more, and at
 *                                         first
 *   finish(stream)                        nothing comes behind what was fed
 *   next(stream, bytes)                   goes on through so much of the text
 *       -> true, offset                   at a value, and the stream can be given to decode as a
 *                                         source
 *       -> nil                            some of it is left
 *       -> "more" | "end"                 feed or finish, and call again; that was it
 *       -> false, what, offset, keys      as decode in aggr.core.json says it
 *   kept(stream) -> bytes, offset         of the value under way, and where it begins
 *   excerpt(stream, offset) -> line, column, before, behind
 *                                         as in aggr.core.json; before: of this value only
 *   SLICE                                 bytes for next
 *
 * Offsets are those in the whole stream. Kept are the value under way and the rest of its piece.
 */
#include "bind/json_stream.h"
#include "bind/json_excerpt.h"
#include "bind/json_skipper.h"
#include "bind/json_source.h"
#include "task/object.h"
#include <lauxlib.h>
#include <string.h>

enum {
    SMALLEST_BUFFER = 4096,
    KEPT_BUFFER = 1024 * 1024, /* a larger one is given back when it is not needed */
};

/* What is in the environment: the piece, or the memory into which several are joined. */
enum { PIECE = AGGR_JSON_SKIPPER_STORED + 1, BUFFER };

struct stream {
    struct aggr_json_skipper skipper;
    bool has_value;
    size_t base, line, column; /* of the byte at `counted`, from 0, 1 and 1 */
    const char *counted;
    char *buffer; /* what is in the environment, or NULL */
    size_t size;  /* of that */
};

static struct stream *check(lua_State *L)
{
    return aggr_object_check(L, 1, AGGR_OBJECT_STREAM);
}

static int l_stream(lua_State *L)
{
    int depth = (int)luaL_checkinteger(L, 1);
    luaL_argcheck(L, depth > 0, 1, "out of range");
    struct stream *stream = aggr_object_new(L, AGGR_OBJECT_STREAM, sizeof *stream);
    *stream = (struct stream){.line = 1, .column = 1, .counted = ""};
    aggr_json_skipper_start(&stream->skipper, stream->counted, 0, depth, lua_toboolean(L, 2));
    stream->skipper.skip.many = true;
    stream->skipper.skip.final = false;
    lua_createtable(L, BUFFER, 0);
    lua_setfenv(L, -2);
    return 1;
}

/* Line and column at `at`, which is not before `counted`. */
static void place(const struct stream *stream, const char *at, size_t *line, size_t *column)
{
    aggr_json_place(stream->counted, at, line, column);
    if (*line == 1)
        *column += stream->column - 1;
    *line += stream->line - 1;
}

static size_t offset_of(const struct stream *stream, const char *at)
{
    return stream->base + (size_t)(at - stream->counted);
}

/* What is before the value under way will not be asked for any more. */
static void drop(struct stream *stream)
{
    struct aggr_json_skip *skip = &stream->skipper.skip;
    if (skip->depth == 0 && skip->expected == AGGR_JSON_SKIP_VALUE)
        aggr_json_skip_next(skip);
    size_t line, column;
    place(stream, skip->start, &line, &column);
    stream->base = offset_of(stream, skip->start);
    stream->line = line;
    stream->column = column;
    stream->counted = skip->start;
}

static void use_text(struct stream *stream, const char *text, size_t len)
{
    aggr_json_skip_move(&stream->skipper.skip, text, len);
    stream->counted = text;
}

/* Sets the environment's `key` to the value at `index`. */
static void keep(lua_State *L, int index, int key)
{
    lua_getfenv(L, 1);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, key);
    lua_pop(L, 1);
}

/* What is on top of the stack is kept in place of the buffer that was. */
static void set_buffer(struct stream *stream, lua_State *L, char *buffer, size_t size)
{
    keep(L, lua_gettop(L), BUFFER);
    lua_pop(L, 1);
    stream->buffer = buffer;
    stream->size = size;
}

/* Where the `kept` bytes are to be that `len` in all begin with, and a NUL behind them. They are
 * moved only when less than half of the buffer is needed, so that no byte is moved often. */
static char *make_room(struct stream *stream, lua_State *L, size_t kept, size_t len)
{
    const char *start = stream->skipper.skip.start;
    char *buffer = stream->buffer;
    bool in_buffer = buffer && start >= buffer && start < buffer + stream->size;
    bool is_wasteful = stream->size > KEPT_BUFFER && len < stream->size / 16;
    if (!is_wasteful && in_buffer && len < (size_t)(buffer + stream->size - start))
        return buffer + (start - buffer);
    if (buffer && !is_wasteful && len < stream->size / 2) {
        memmove(buffer, start, kept);
        return buffer;
    }
    size_t size = len < SMALLEST_BUFFER ? SMALLEST_BUFFER : len * 2 + 1;
    buffer = lua_newuserdata(L, size);
    memcpy(buffer, start, kept);
    set_buffer(stream, L, buffer, size);
    return buffer;
}

/* What is kept, with the piece behind it. */
static void join(struct stream *stream, lua_State *L, struct aggr_json_text piece)
{
    const struct aggr_json_skip *skip = &stream->skipper.skip;
    size_t kept = (size_t)(skip->end - skip->start), len = kept + piece.len;
    char *to = make_room(stream, L, kept, len);
    memcpy(to + kept, piece.bytes, piece.len);
    to[len] = 0;
    use_text(stream, to, len);
}

static int l_feed(lua_State *L)
{
    struct stream *stream = check(L);
    struct aggr_json_text piece = aggr_json_source(L, 2);
    lua_settop(L, 2);
    drop(stream);
    if (stream->skipper.skip.start < stream->skipper.skip.end) {
        join(stream, L, piece);
        lua_pushnil(L);
    } else {
        use_text(stream, piece.bytes, piece.len);
        if (stream->size > KEPT_BUFFER) {
            lua_pushnil(L);
            set_buffer(stream, L, NULL, 0);
        }
    }
    keep(L, lua_gettop(L), PIECE);
    return 0;
}

static int l_finish(lua_State *L)
{
    check(L)->skipper.skip.final = true;
    return 0;
}

static int l_kept(lua_State *L)
{
    const struct stream *stream = check(L);
    const struct aggr_json_skip *skip = &stream->skipper.skip;
    bool is_between = skip->depth == 0 && skip->expected == AGGR_JSON_SKIP_VALUE;
    lua_pushnumber(L, is_between ? 0 : (lua_Number)(skip->end - skip->start));
    lua_pushnumber(L, (lua_Number)offset_of(stream, skip->start));
    return 2;
}

static int push_wrong(lua_State *L, const struct stream *stream)
{
    lua_pushboolean(L, 0);
    aggr_json_skipper_push_wrong(&stream->skipper, L);
    lua_pushnumber(L, (lua_Number)offset_of(stream, stream->skipper.skip.at));
    lua_insert(L, -2);
    return 4;
}

static int l_next(lua_State *L)
{
    struct stream *stream = check(L);
    size_t bytes = aggr_json_skipper_bytes(L, 2);
    if (stream->has_value)
        aggr_json_skip_next(&stream->skipper.skip);
    stream->has_value = false;
    switch (aggr_json_skipper_run(&stream->skipper, L, bytes)) {
    case AGGR_JSON_SKIP_DONE:
        stream->has_value = true;
        lua_pushboolean(L, 1);
        lua_pushnumber(L, (lua_Number)offset_of(stream, stream->skipper.skip.start));
        return 2;
    case AGGR_JSON_SKIP_SLICE:
        lua_pushnil(L);
        return 1;
    case AGGR_JSON_SKIP_MORE:
        lua_pushliteral(L, "more");
        return 1;
    case AGGR_JSON_SKIP_END:
        lua_pushliteral(L, "end");
        return 1;
    default:
        return push_wrong(L, stream);
    }
}

static int l_excerpt(lua_State *L)
{
    const struct stream *stream = check(L);
    const struct aggr_json_skip *skip = &stream->skipper.skip;
    lua_Number offset = luaL_checknumber(L, 2) - (lua_Number)offset_of(stream, skip->start);
    luaL_argcheck(L, offset >= 0 && offset <= (lua_Number)(skip->end - skip->start), 2,
                  "out of range");
    const char *at = skip->start + (size_t)offset;
    size_t line, column;
    place(stream, at, &line, &column);
    return aggr_json_excerpt_push(L, skip->start, at, skip->end, line, column);
}

bool aggr_json_stream_text(lua_State *L, int index, struct aggr_json_text *text)
{
    const struct stream *stream = aggr_object_at(L, index, AGGR_OBJECT_STREAM);
    if (!stream)
        return false;
    const struct aggr_json_skip *skip = &stream->skipper.skip;
    luaL_argcheck(L, stream->has_value, index, "it is at no value");
    *text = (struct aggr_json_text){skip->start, (size_t)(skip->at - skip->start)};
    return true;
}

int aggr_bind_json_stream(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"stream", l_stream}, {"feed", l_feed},       {"finish", l_finish}, {"kept", l_kept},
        {"next", l_next},     {"excerpt", l_excerpt}, {NULL, NULL}};
    aggr_object_define(L, AGGR_OBJECT_STREAM);
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    lua_pushinteger(L, AGGR_JSON_SKIPPER_BYTES);
    lua_setfield(L, -2, "SLICE");
    return 1;
}
