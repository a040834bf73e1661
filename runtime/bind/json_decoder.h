/* json_decoder.h -- JSON text to Lua values in one pass that can stop anywhere and go on later.
 *
 * A decoder is a userdata; its environment is the Lua table that keeps its keys, its scratch memory
 * and, between two slices, the source and the values under way. So all of it is the collector's,
 * and a decoder that nobody goes on with needs no closing. No recursion, no pointer into Lua's
 * stack: each slice puts the open tables there and takes them away again.
 *
 *   new -> (start -> slice* -> done or failed)*
 */
#pragma once
#include "bind/json_reader.h"
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values nest so deep unless asked otherwise, and never deeper than the second: a C function's part
 * of Lua's stack has 8,000 slots. */
enum { AGGR_JSON_DEPTH = 1000, AGGR_JSON_DEEPEST = 3000 };

/* As a slice's size: whatever is left. */
#define AGGR_JSON_ALL SIZE_MAX

enum aggr_json_slice {
    AGGR_JSON_DONE,   /* pushed the value */
    AGGR_JSON_MORE,   /* pushed nothing */
    AGGR_JSON_FAILED, /* pushed what is wrong, the offset of the byte (from 0; the text's length: it
                         ends too early), and the list of keys down to it */
};

struct aggr_json_decoder;

/* Pushes a decoder for up to `depth` levels. `tools` is the index of a table with the function
 * under `exact` that makes a value of an integer's digits, and the table of marks under `marks`. */
struct aggr_json_decoder *aggr_json_decoder_new(lua_State *L, int depth, int tools);

/* The decoder at `index`; raises when it is none. */
struct aggr_json_decoder *aggr_json_decoder_check(lua_State *L, int index);

/* A decoder is busy from start until it is done or has failed. One whose slice threw stays so. */
bool aggr_json_decoder_is_busy(const struct aggr_json_decoder *decoder);

/* Whether it was made for that many levels. */
bool aggr_json_decoder_fits(const struct aggr_json_decoder *decoder, int depth);

/* Begins. The caller keeps the text alive. */
void aggr_json_decoder_start(struct aggr_json_decoder *decoder, struct aggr_json_text text,
                             struct aggr_json_rules rules);

/* The next `bytes` of the text or a little more. The stack must hold the decoder at 1, anything at
 * 2, the metatable of empty arrays at 3, and nothing else. May throw (memory). */
enum aggr_json_slice aggr_json_decoder_slice(lua_State *L, struct aggr_json_decoder *decoder,
                                             size_t bytes);
