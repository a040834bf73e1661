/* json_skip.h -- checks JSON texts (RFC 8259) as strictly as the decoder does, and makes nothing of
 * them: for finding a few places in a large one, and where each of many values ends.
 *
 * What is expected next and what is open are data, so it stops anywhere and goes on later; no
 * recursion, no memory of its own. Borrows the text, which ends with a NUL that is no part of it,
 * and the levels.
 *
 *   start -> (run -> give it what it wants)* -> DONE, END or WRONG
 */
#pragma once
#include "base/json_want.h"
#include "base/json_wrong.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aggr_json_skipped {
    AGGR_JSON_SKIP_DONE,  /* one value, or with `many` the next one: from start to at */
    AGGR_JSON_SKIP_END,   /* with `many`: no other value */
    AGGR_JSON_SKIP_WRONG, /* as `wrong` says, at `at` */
    AGGR_JSON_SKIP_SLICE, /* at `stop` or a little behind it */
    AGGR_JSON_SKIP_MORE,  /* more text is needed, or to know that there is none (final) */
    AGGR_JSON_SKIP_ROOM,  /* more levels are needed */
    AGGR_JSON_SKIP_ON,    /* within the skipper alone */
};

/* What the text may go on with. */
enum aggr_json_skip_expected {
    AGGR_JSON_SKIP_VALUE,
    AGGR_JSON_SKIP_FIRST_ITEM, /* or the array's end */
    AGGR_JSON_SKIP_FIRST_KEY,  /* or the object's end */
    AGGR_JSON_SKIP_KEY,
    AGGR_JSON_SKIP_COLON,
    AGGR_JSON_SKIP_COMMA, /* or the end of what is open */
    AGGR_JSON_SKIP_REST,  /* nothing but white space */
    AGGR_JSON_SKIP_KEY_STRING,
    AGGR_JSON_SKIP_VALUE_STRING,
};

/* An open array or object. */
struct aggr_json_skip_level {
    size_t key;      /* offset of the key under way, in its quotes, from `start` */
    uint32_t count;  /* items that are done */
    uint32_t place;  /* that it is at; AGGR_JSON_NOWHERE: none that leads anywhere */
    uint32_t cursor; /* among the places below */
    bool is_object;
};

struct aggr_json_skip {
    const char *start, *at, *stop,
        *end;           /* with `many`, start is where the value under way begins */
    const char *string; /* the inside of the one under way */
    struct aggr_json_skip_level *levels;
    struct aggr_json_wants wants;
    uint32_t place; /* of the value that comes or is under way */
    int depth, deepest, room;
    enum aggr_json_skip_expected expected;
    enum aggr_json_skipped verdict;
    enum aggr_json_wrong wrong;
    bool many;  /* values come one behind the other */
    bool final; /* no text comes behind `end` */
};

/* A text, all of it there. The caller sets levels and room, at any time deepest, and wants. */
void aggr_json_skip_start(struct aggr_json_skip *skip, const char *text, size_t len);

/* With `many`: the next value begins where the last one ended. */
void aggr_json_skip_next(struct aggr_json_skip *skip);

/* The text from `start` on is at `text` now, and `len` bytes long. */
void aggr_json_skip_move(struct aggr_json_skip *skip, const char *text, size_t len);

/* Reads at least up to `stop` (start and move set it to the end), and little more. */
enum aggr_json_skipped aggr_json_skip_run(struct aggr_json_skip *skip);

/* Whether the innermost level is at a member, of which the key is known. */
bool aggr_json_skip_has_key(const struct aggr_json_skip *skip);

/* The index (from 1) of the item that an array is at. */
size_t aggr_json_skip_item(const struct aggr_json_skip *skip, int level);
