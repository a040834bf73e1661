#include "bind/json_reader.h"
#include "base/json_number.h"
#include "base/json_text.h"
#include "base/json_word.h"
#include "bind/json_order.h"
#include <lauxlib.h>
#include <math.h>
#include <string.h>

void aggr_json_reader_init(struct aggr_json_reader *reader, struct aggr_json_level *levels)
{
    *reader = (struct aggr_json_reader){.levels = levels};
    aggr_json_scratch_init(&reader->scratch);
}

void aggr_json_reader_start(struct aggr_json_reader *reader, struct aggr_json_text text,
                            struct aggr_json_rules rules)
{
    reader->start = reader->at = reader->room.looked_to = text.bytes;
    reader->end = text.bytes + text.len;
    reader->expected = AGGR_JSON_A_VALUE;
    reader->rules = rules;
    reader->watches_keys = rules.strict || rules.order;
    reader->depth = 0;
    reader->trail = 0;
}

static enum aggr_json_verdict fail(struct aggr_json_reader *reader, enum aggr_json_wrong wrong)
{
    reader->wrong = wrong;
    return AGGR_JSON_WRONG;
}

static struct aggr_json_level *innermost(struct aggr_json_reader *reader)
{
    return &reader->levels[reader->depth - 1];
}

/* The list on top of the stack becomes one with room for what seems to come. */
static void make_room(struct aggr_json_reader *reader, lua_State *L,
                      const struct aggr_json_level *level)
{
    size_t used = (size_t)(reader->at - reader->start) - level->begun;
    size_t coming =
        aggr_json_room_ahead(&reader->room, reader->at, reader->end, level->count, used);
    if (coming == 0)
        return;
    lua_createtable(L, (int)(level->count + coming), 0);
    for (int i = 1; i <= (int)level->count; i++) {
        lua_rawgeti(L, -2, i);
        lua_rawseti(L, -2, i);
    }
    lua_replace(L, -2);
}

static void put_item(struct aggr_json_reader *reader, lua_State *L, struct aggr_json_level *level)
{
    lua_rawseti(L, -2, (int)++level->count);
    if (level->count == AGGR_JSON_MANY_ITEMS && level->room < AGGR_JSON_MANY_ITEMS)
        make_room(reader, L, level);
}

/* The value on top of the stack goes where it belongs. */
static enum aggr_json_verdict put_value(struct aggr_json_reader *reader, lua_State *L)
{
    if (reader->depth == 0) {
        reader->expected = AGGR_JSON_THE_END;
        return AGGR_JSON_GO_ON;
    }
    struct aggr_json_level *level = innermost(reader);
    if (level->is_object)
        lua_rawset(L, -3);
    else
        put_item(reader, L, level);
    reader->expected = AGGR_JSON_A_COMMA;
    if (*reader->at == ',') { /* as nearly always: without another turn */
        reader->at++;
        reader->expected = level->is_object ? AGGR_JSON_A_KEY : AGGR_JSON_A_VALUE;
    }
    return AGGR_JSON_GO_ON;
}

static struct aggr_json_hint *hint_of(struct aggr_json_reader *reader, unsigned place)
{
    return aggr_json_room_hint(&reader->room, place, (unsigned)reader->depth);
}

static enum aggr_json_verdict open_level(struct aggr_json_reader *reader, lua_State *L,
                                         bool is_object)
{
    enum { AT_ONCE = 32, SLOTS = 2 };
    if (reader->depth == reader->rules.depth)
        return fail(reader, AGGR_JSON_WRONG_DEPTH);
    if (reader->depth % AT_ONCE == 0 && !lua_checkstack(L, AT_ONCE * SLOTS + LUA_MINSTACK))
        return fail(reader, AGGR_JSON_WRONG_STACK);
    uint8_t place = reader->depth > 0 ? innermost(reader)->inner : 0;
    const struct aggr_json_hint *hint = hint_of(reader, place);
    reader->at++;
    bool empty = *reader->at == (is_object ? '}' : ']');
    lua_createtable(L, is_object || empty ? 0 : hint->items,
                    is_object && !empty ? hint->members : 0);
    reader->levels[reader->depth++] =
        (struct aggr_json_level){.begun = (uint32_t)(reader->at - reader->start),
                                 .room = hint->items,
                                 .place = place,
                                 .inner = place,
                                 .is_object = is_object};
    reader->expected = is_object ? AGGR_JSON_A_FIRST_KEY : AGGR_JSON_A_FIRST_ITEM;
    return AGGR_JSON_GO_ON;
}

static enum aggr_json_verdict close_level(struct aggr_json_reader *reader, lua_State *L)
{
    struct aggr_json_level level = *innermost(reader);
    uint16_t count =
        (uint16_t)(level.count < AGGR_JSON_LARGEST_HINT ? level.count : AGGR_JSON_LARGEST_HINT);
    reader->at++;
    reader->depth--;
    if (reader->watches_keys && level.is_object)
        aggr_json_order_close(reader, L, &level);
    if (level.is_object)
        hint_of(reader, level.place)->members = count;
    else
        hint_of(reader, level.place)->items = count;
    if (!level.is_object && level.count == 0) {
        lua_pushvalue(L, AGGR_JSON_LIST);
        lua_setmetatable(L, -2);
    }
    return put_value(reader, L);
}

static void reserve(struct aggr_json_reader *reader, lua_State *L, size_t more)
{
    aggr_json_scratch_reserve(&reader->scratch, L, AGGR_JSON_STORE, AGGR_JSON_SCRATCH, more);
}

static enum aggr_json_verdict put_string(struct aggr_json_reader *reader, lua_State *L,
                                         const char *bytes, size_t len)
{
    reader->at++;
    if (!reader->is_key) {
        lua_pushlstring(L, bytes, len);
        return put_value(reader, L);
    }
    struct aggr_json_level *level = innermost(reader);
    level->inner = (uint8_t)aggr_json_keys_push(&reader->keys, L, AGGR_JSON_STORE, bytes, len);
    if (reader->watches_keys && !aggr_json_order_add(reader, L))
        return fail(reader, AGGR_JSON_WRONG_TWICE);
    level->count++;
    reader->expected = AGGR_JSON_A_COLON;
    if (*reader->at == ':') {
        reader->at++;
        reader->expected = AGGR_JSON_A_VALUE;
    }
    return AGGR_JSON_GO_ON;
}

static enum aggr_json_verdict unescape(struct aggr_json_reader *reader, lua_State *L)
{
    enum { AT_ONCE = 1024 };
    enum aggr_json_scan found;
    do {
        const char *stop =
            reader->stop - reader->at > AT_ONCE ? reader->at + AT_ONCE : reader->stop;
        reserve(reader, L, (size_t)(stop - reader->at) + AGGR_JSON_UNESCAPE_EXTRA);
        found = aggr_json_unescape(&reader->at, stop, reader->end, &reader->scratch.out);
    } while (found == AGGR_JSON_SCAN_MORE && reader->at < reader->stop);
    if (found == AGGR_JSON_SCAN_MORE)
        return AGGR_JSON_SLICE_OVER;
    if (found != AGGR_JSON_SCAN_DONE)
        return fail(reader, aggr_json_wrong_string(found));
    return put_string(reader, L, reader->scratch.bytes,
                      (size_t)(reader->scratch.out - reader->scratch.bytes));
}

static enum aggr_json_verdict begin_unescaping(struct aggr_json_reader *reader, lua_State *L)
{
    size_t plain = (size_t)(reader->at - reader->string);
    reader->expected = AGGR_JSON_REST_OF_ESCAPES;
    reader->scratch.out = reader->scratch.bytes;
    reserve(reader, L, plain);
    memcpy(reader->scratch.out, reader->string, plain);
    reader->scratch.out += plain;
    return unescape(reader, L);
}

static enum aggr_json_verdict scan_string(struct aggr_json_reader *reader, lua_State *L)
{
    enum aggr_json_scan found = AGGR_JSON_SCAN_DONE;
    reader->at = aggr_json_plain_end(reader->at, reader->stop);
    if (reader->at == reader->stop || *reader->at != '"')
        found = aggr_json_scan_string(&reader->at, reader->stop, reader->end);
    switch (found) {
    case AGGR_JSON_SCAN_DONE:
        return put_string(reader, L, reader->string, (size_t)(reader->at - reader->string));
    case AGGR_JSON_SCAN_MORE:
        return AGGR_JSON_SLICE_OVER;
    case AGGR_JSON_SCAN_ESCAPED:
        return begin_unescaping(reader, L);
    default:
        return fail(reader, aggr_json_wrong_string(found));
    }
}

static enum aggr_json_verdict begin_string(struct aggr_json_reader *reader, lua_State *L,
                                           bool is_key)
{
    reader->string = ++reader->at;
    reader->is_key = is_key;
    reader->expected = AGGR_JSON_REST_OF_STRING;
    return scan_string(reader, L);
}

/* The integer from `first` on, of so many bytes, which a double may not hold. */
static enum aggr_json_verdict put_digits(struct aggr_json_reader *reader, lua_State *L,
                                         const char *first, size_t len)
{
    if (reader->rules.bigint == AGGR_JSON_BIG_EXACT)
        lua_rawgeti(L, AGGR_JSON_STORE, AGGR_JSON_EXACT);
    lua_pushlstring(L, first, len);
    if (reader->rules.bigint == AGGR_JSON_BIG_EXACT)
        lua_call(L, 1, 1);
    reader->at = first + len;
    return put_value(reader, L);
}

/* The number from `first` on, which is no double that knows all its digits. */
static enum aggr_json_verdict read_odd_number(struct aggr_json_reader *reader, lua_State *L,
                                              enum aggr_json_number found, const char *first,
                                              double value)
{
    if (reader->rules.bigint != AGGR_JSON_BIG_NUMBER &&
        (found == AGGR_JSON_NUMBER_DONE || found == AGGR_JSON_NUMBER_RANGE)) {
        size_t len = aggr_json_big_integer(first);
        if (len > 0)
            return put_digits(reader, L, first, len);
    }
    if (found != AGGR_JSON_NUMBER_DONE)
        return fail(reader, aggr_json_wrong_number(found));
    lua_pushnumber(L, value);
    return put_value(reader, L);
}

static enum aggr_json_verdict read_number(struct aggr_json_reader *reader, lua_State *L)
{
    double value;
    const char *first = reader->at;
    enum aggr_json_number found = aggr_json_read_number(&reader->at, reader->end, &value);
    if (found != AGGR_JSON_NUMBER_DONE || fabs(value) >= AGGR_JSON_EXACT_INTEGERS)
        return read_odd_number(reader, L, found, first, value);
    lua_pushnumber(L, value);
    return put_value(reader, L);
}

/* Passes `word`, or says that it is not there. */
static bool read_word(struct aggr_json_reader *reader, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
        return false;
    reader->at += len;
    return true;
}

static enum aggr_json_verdict read_boolean(struct aggr_json_reader *reader, lua_State *L,
                                           const char *word, bool value)
{
    if (!read_word(reader, word))
        return fail(reader, AGGR_JSON_WRONG_VALUE);
    lua_pushboolean(L, value);
    return put_value(reader, L);
}

static enum aggr_json_verdict read_null(struct aggr_json_reader *reader, lua_State *L)
{
    if (!read_word(reader, "null"))
        return fail(reader, AGGR_JSON_WRONG_VALUE);
    bool drop = reader->rules.drop_nulls;
    if (drop && reader->depth > 0 && !innermost(reader)->is_object) {
        reader->expected = AGGR_JSON_A_COMMA;
        return AGGR_JSON_GO_ON;
    }
    if (drop && !(reader->rules.strict && reader->depth > 0)) /* else its key is there still */
        lua_pushnil(L); /* the member that an earlier one of that name made goes, too */
    else
        lua_pushlightuserdata(L, NULL);
    return put_value(reader, L);
}

static enum aggr_json_verdict read_value(struct aggr_json_reader *reader, lua_State *L)
{
    switch (*reader->at) {
    case '"':
        return begin_string(reader, L, false);
    case '{':
        return open_level(reader, L, true);
    case '[':
        return open_level(reader, L, false);
    case 't':
        return read_boolean(reader, L, "true", true);
    case 'f':
        return read_boolean(reader, L, "false", false);
    case 'n':
        return read_null(reader, L);
    default:
        if (*reader->at == '-' || (*reader->at >= '0' && *reader->at <= '9'))
            return read_number(reader, L);
        return fail(reader, AGGR_JSON_WRONG_VALUE);
    }
}

static enum aggr_json_verdict read_key(struct aggr_json_reader *reader, lua_State *L)
{
    if (*reader->at != '"')
        return fail(reader, AGGR_JSON_WRONG_KEY);
    return begin_string(reader, L, true);
}

static enum aggr_json_verdict read_comma(struct aggr_json_reader *reader, lua_State *L)
{
    bool in_object = innermost(reader)->is_object;
    if (*reader->at == ',') {
        reader->at++;
        reader->expected = in_object ? AGGR_JSON_A_KEY : AGGR_JSON_A_VALUE;
        return AGGR_JSON_GO_ON;
    }
    if (*reader->at == (in_object ? '}' : ']'))
        return close_level(reader, L);
    return fail(reader, in_object ? AGGR_JSON_WRONG_IN_OBJECT : AGGR_JSON_WRONG_IN_ARRAY);
}

static enum aggr_json_verdict read_colon(struct aggr_json_reader *reader)
{
    if (*reader->at != ':')
        return fail(reader, AGGR_JSON_WRONG_COLON);
    reader->at++;
    reader->expected = AGGR_JSON_A_VALUE;
    return AGGR_JSON_GO_ON;
}

static enum aggr_json_verdict read_token(struct aggr_json_reader *reader, lua_State *L)
{
    switch (reader->expected) {
    case AGGR_JSON_A_COMMA:
        return read_comma(reader, L);
    case AGGR_JSON_A_COLON:
        return read_colon(reader);
    case AGGR_JSON_A_FIRST_KEY:
        return *reader->at == '}' ? close_level(reader, L) : read_key(reader, L);
    case AGGR_JSON_A_KEY:
        return read_key(reader, L);
    case AGGR_JSON_A_FIRST_ITEM:
        return *reader->at == ']' ? close_level(reader, L) : read_value(reader, L);
    case AGGR_JSON_THE_END:
        return reader->at == reader->end ? AGGR_JSON_FINISHED : fail(reader, AGGR_JSON_WRONG_REST);
    default:
        return read_value(reader, L);
    }
}

enum aggr_json_verdict aggr_json_reader_run(struct aggr_json_reader *reader, lua_State *L)
{
    enum aggr_json_verdict verdict = AGGR_JSON_GO_ON;
    if (reader->expected == AGGR_JSON_REST_OF_STRING)
        verdict = scan_string(reader, L);
    else if (reader->expected == AGGR_JSON_REST_OF_ESCAPES)
        verdict = unescape(reader, L);
    while (verdict == AGGR_JSON_GO_ON) {
        reader->at = aggr_json_space_end(reader->at, reader->stop);
        if (reader->at >= reader->stop && reader->stop < reader->end)
            return AGGR_JSON_SLICE_OVER;
        verdict = read_token(reader, L);
    }
    return verdict;
}
