/* json_reader.h -- the grammar of JSON texts, token by token, with Lua values for what is read.
 *
 * What is expected next and what is open are data, so reading stops anywhere and goes on later; no
 * recursion. Borrows the text and the levels' memory. The open tables (and the keys of their
 * members under way) are on Lua's stack, from AGGR_JSON_FIRST up.
 *
 *   init -> (start -> run* -> FINISHED or WRONG)*
 *
 * Our own since no library at hand stops half-way, and building the tables is most of the work: CPU
 * in ms on documents of 0.6 to 1.2 MB (tests/bench/run --only json; the same machine and minute).
 * simdjson 3.0.1 was called through a shim that walks its tree with lua_createtable of the right
 * size; it holds the loop for 10 ms on 16 MB before the first table, and gives no place of an
 * error.
 *
 *                records  posts  numbers  integers  doubles  strings  escapes  nested
 *   this            3.9    2.6      3.3       3.5      2.2      0.3      2.9     8.1
 *   simdjson        4.8    2.2      2.9       3.8      1.7      0.3      2.9    10.6
 *   lua-cjson       8.0    4.1      8.3       7.9      5.9      2.9      4.8    15.1
 */
#pragma once
#include "base/json_wrong.h"
#include "bind/json_keys.h"
#include "bind/json_room.h"
#include "bind/json_scratch.h"
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a text is: it ends with a NUL that is no part of it. */
struct aggr_json_text {
    const char *bytes;
    size_t len;
};

/* Stack indices: the metatable of empty arrays, the table for keys and scratch, what is open. */
enum { AGGR_JSON_LIST = 3, AGGR_JSON_STORE, AGGR_JSON_FIRST };

/* What of the table AGGR_JSON_STORE is taken: 1 up to AGGR_JSON_STORED. Its owner sets what the
 * rules in force need: the function that makes a value of an integer's digits, and the table of
 * marks, which says an object's order of keys. */
enum {
    AGGR_JSON_SCRATCH = AGGR_JSON_KEYS + 1,
    AGGR_JSON_EXACT,
    AGGR_JSON_MARKS,
    AGGR_JSON_TRAIL,
    AGGR_JSON_SHAPES,
    AGGR_JSON_STORED = AGGR_JSON_SHAPES
};

/* What becomes of integers beyond 2^53, which a double does not hold. */
enum aggr_json_bigint { AGGR_JSON_BIG_EXACT, AGGR_JSON_BIG_STRING, AGGR_JSON_BIG_NUMBER };

struct aggr_json_rules {
    int depth; /* the most levels */
    enum aggr_json_bigint bigint;
    bool drop_nulls; /* leave nulls out */
    bool strict;     /* refuse a key that comes twice in an object */
    bool order;      /* remember the order of keys */
};

enum aggr_json_verdict {
    AGGR_JSON_GO_ON,
    AGGR_JSON_SLICE_OVER,
    AGGR_JSON_FINISHED, /* the value is on top of the stack */
    AGGR_JSON_WRONG,    /* as `wrong` says, at `at` */
};

/* What the text may go on with. */
enum aggr_json_expected {
    AGGR_JSON_A_VALUE,
    AGGR_JSON_A_FIRST_ITEM, /* or the array's end */
    AGGR_JSON_A_FIRST_KEY,  /* or the object's end */
    AGGR_JSON_A_KEY,
    AGGR_JSON_A_COLON,
    AGGR_JSON_A_COMMA, /* or the end of what is open */
    AGGR_JSON_THE_END,
    AGGR_JSON_REST_OF_STRING,
    AGGR_JSON_REST_OF_ESCAPES, /* of a string that is put together in the scratch memory */
};

/* An open array or object: on the stack its table and, inside an object's member, the key. */
struct aggr_json_level {
    uint32_t begun; /* offset in the text */
    uint32_t count; /* members or items so far */
    uint16_t room;  /* made for so many items */
    uint8_t place;  /* of the key that leads here */
    uint8_t inner;  /* of the key that leads on */
    bool is_object;
};

struct aggr_json_reader {
    const char *start, *at, *stop, *end;
    enum aggr_json_expected expected;
    struct aggr_json_rules rules;
    bool watches_keys; /* for the rules' sake */
    bool is_key;       /* the string under way */
    int depth;
    uint32_t trail; /* keys of open objects, when their order is remembered */
    enum aggr_json_wrong wrong;
    const char *string;             /* where the string under way began */
    struct aggr_json_level *levels; /* borrowed: rules.depth of them */
    struct aggr_json_scratch scratch;
    struct aggr_json_room room;
    struct aggr_json_keys keys;
};

/* It must not move afterwards. */
void aggr_json_reader_init(struct aggr_json_reader *reader, struct aggr_json_level *levels);

void aggr_json_reader_start(struct aggr_json_reader *reader, struct aggr_json_text text,
                            struct aggr_json_rules rules);

/* Reads at least up to `stop`, and little more; never GO_ON. May throw (memory). */
enum aggr_json_verdict aggr_json_reader_run(struct aggr_json_reader *reader, lua_State *L);
