/* json_encoder.h -- Lua values to JSON text in one pass.
 *
 * An encoder is a userdata that owns the text under way; nothing of it needs closing when an error
 * is thrown. It knows tables, strings, numbers, booleans and null; what else there is, and the
 * words of errors, are Lua's. Values are taken as they are at one instant: there are no slices, as
 * tables could change in between, and a megabyte takes two to seven milliseconds. Recursive, 1,000
 * levels at most.
 *
 * Our own, as libraries write trees of theirs: to build one is the same walk over Lua's tables, and
 * then it has yet to be written. More than half of the time is inside lua_next, lua_type and their
 * kin. In ms (best of 60), the bare walk being one by lua_next, lua_type and lua_tolstring that
 * writes nothing:
 *
 *                              records  posts  nested
 *   a bare walk                   1.6    1.1     4.4
 *   this                          2.3    2.1     7.0
 *   lua-cjson                     4.6    3.1    12.7
 *   Node                          2.4    2.1     5.8
 *
 *   new -> (run)*
 *
 * The functions below work on the stack of the call that is under way; indices are absolute.
 */
#pragma once
#include "bind/json_out.h"
#include "bind/json_shape.h"
#include <stdbool.h>

/* Upvalues of the function that calls aggr_json_encoder_run. */
enum {
    AGGR_JSON_MARKED = 1, /* table -> "array", "object" or a list of keys: their order */
    AGGR_JSON_DIGITS,     /* large integer -> digits */
    AGGR_JSON_RESOLVE,    /* (value) -> what is encoded in its place, or nil and why it cannot be */
    AGGR_JSON_RENAME,     /* (table) -> with number keys as strings, or nil and why not */
    AGGR_JSON_REFUSE,     /* (what, path, why, value) raises */
    AGGR_JSON_ENCODER_UPVALUES = AGGR_JSON_REFUSE
};

/* Its stack: the arguments, the encoder and its environment, which keeps the strings of the shapes.
 * They hold the encoder while it is at work: what it calls may put another one in its place. */
enum { AGGR_JSON_VALUE = 1, AGGR_JSON_FLAGS, AGGR_JSON_WHAT, AGGR_JSON_ENCODER, AGGR_JSON_KEPT };

enum { AGGR_JSON_ENCODE_DEPTH = 1000, AGGR_JSON_SHAPES = 64 };

struct aggr_json_style {
    bool pretty;  /* a line for each item and member */
    bool sorted;  /* keys, by their bytes */
    bool replace; /* what is not UTF-8, by U+FFFD */
};

struct aggr_json_encoder {
    bool busy;
    bool marks; /* whether there were any marks yet: looking for one takes its time */
    struct aggr_json_style style;
    const void *list; /* the metatable of empty arrays */
    struct aggr_json_out out;
    int depth;
    const void *open[AGGR_JSON_ENCODE_DEPTH]; /* the tables around */
    int steps[AGGR_JSON_ENCODE_DEPTH]; /* an item's number; a key's stack index, negative; 0 */
    unsigned ways[AGGR_JSON_ENCODE_DEPTH + 1]; /* which shapes the tables there use */
    struct aggr_json_shape shapes[AGGR_JSON_SHAPES];
};

/* Makes the kind of object. */
void aggr_json_encoder_define(lua_State *L);

/* Pushes an encoder. `list`: the index of the metatable of empty arrays. */
struct aggr_json_encoder *aggr_json_encoder_new(lua_State *L, int list);

/* Pushes the text of the value at AGGR_JSON_VALUE. */
void aggr_json_encoder_run(struct aggr_json_encoder *e, lua_State *L, struct aggr_json_style style);

void aggr_json_encoder_put_value(struct aggr_json_encoder *e, lua_State *L, int index);

/* The string at `index`, in quotes. */
void aggr_json_encoder_put_string(struct aggr_json_encoder *e, lua_State *L, int index);

/* Begins an item or member, or the line of a closing bracket. */
void aggr_json_encoder_put_line(struct aggr_json_encoder *e, lua_State *L);

bool aggr_json_encoder_is_empty(lua_State *L, int index);

/* Raises: `why` is a name that REFUSE knows, or NULL: the text on top of the stack. */
void aggr_json_encoder_refuse(struct aggr_json_encoder *e, lua_State *L, const char *why, int index)
    __attribute__((noreturn));
