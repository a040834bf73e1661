/* json_want.h -- the places in a JSON document that JSON Pointers (RFC 6901) lead to, and where in
 * the text they were found.
 *
 * A tree in one array: 0 is the document, and what is below a place has it as key of a member or as
 * index of an item. The keys of a place are ordered by length and then by bytes, so that those that
 * are indices are ordered by number. Borrows the array, its keys, and the text.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No place; also what is no index. */
#define AGGR_JSON_NOWHERE UINT32_MAX

struct aggr_json_want {
    const char *key;
    size_t len;
    uint32_t index; /* what an array's item has to be, by the key */
    uint32_t parent;
    uint32_t first, behind; /* the places below */
    const char *from, *to;  /* where it was seen last; from NULL: it was not */
};

struct aggr_json_wants {
    struct aggr_json_want *places; /* NULL: nothing is wanted */
    size_t longest;                /* key */
    char *scratch; /* AGGR_JSON_WANT_SCRATCH(longest) bytes, for keys with escapes */
};

/* An escape has six bytes at most for one of what it stands for. */
#define AGGR_JSON_WANT_SCRATCH(longest) ((longest)*6 + 8)

/* The index that a key is: digits without leading zeros, below AGGR_JSON_NOWHERE. */
uint32_t aggr_json_want_index(const char *key, size_t len);

/* The place below `place` for the member with that key, which is a JSON string's inside as it
 * stands in the text, found to be right. */
uint32_t aggr_json_wants_member(const struct aggr_json_wants *wants, uint32_t place,
                                const char *key, size_t len);

/* The one for item `index`. Items come in order; *cursor is `first` in the beginning. */
uint32_t aggr_json_wants_item(const struct aggr_json_wants *wants, uint32_t place, uint32_t *cursor,
                              uint32_t index);

/* Whether the place is there. What was seen of it does not count when that was inside an earlier
 * member of the name of a later one. */
bool aggr_json_wants_found(const struct aggr_json_wants *wants, uint32_t place);
