/* json_skip.h -- checks JSON texts (RFC 8259) as strictly as the decoder does, and makes nothing of
 * them: for finding a few places in a large one, and where each of many values ends.
 *
 * What is expected next and what is open are data, so it stops anywhere and goes on later; no
 * recursion, no memory of its own. Borrows the text, which ends with a NUL that is no part of it,
 * and the levels.
 *
 *   start -> (run -> give it what it wants)* -> DONE, END or WRONG
 *
 * Our own, token by token, since no library at hand stops half-way. simdjson 3.0.1 (with AVX-512)
 * is ahead on large bodies only in a parser that has been used for such before: the first one pays
 * for 400 MB of memory per 100 MB, and either holds the loop for all of a text (50 ms and more),
 * where this holds it for a slice of 256 KiB (0.3 to 1.3 ms). Its on-demand part (2.2 GB/s on
 * records) does not look at what is not asked for, so it takes what is not JSON. CPU on 100 MB,
 * GB/s, the same machine and minutes (tests/bench/run --only pick):
 *
 *                    records posts pretty numbers integers doubles strings escapes nested
 *   this                1.39  1.28   1.13    0.81     0.58    1.64    17.9    0.52   0.40
 *   simdjson, first     0.56  0.60   0.76    0.38     0.21    0.66     1.8    0.48   0.10
 *   simdjson, again     1.88  1.99   2.52    0.62     0.47    1.11     6.8    0.58   0.73
 *   memcpy              9.5   9.3    9.4     9.1      9.4     8.7      9.7    8.3    8.8
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
    bool many;        /* values come one behind the other */
    bool final;       /* no text comes behind `end` */
    bool any_integer; /* integers may be larger than any double */
};

/* A text, all of it there. The caller sets levels and room, at any time deepest, any_integer, and
 * wants. */
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
