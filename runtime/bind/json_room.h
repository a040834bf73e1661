/* json_room.h -- how large tables are made while a text is decoded: as large as what stood in about
 * the same position before, and long lists as large as what is ahead in the text suggests.
 *
 * Plain data without owner or end; all zero is a good beginning.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { AGGR_JSON_HINTS = 256, AGGR_JSON_LARGEST_HINT = 1024 };

/* A list that has so many items may have many more. */
enum { AGGR_JSON_MANY_ITEMS = 64 };

struct aggr_json_hint {
    uint16_t items, members;
};

struct aggr_json_room {
    struct aggr_json_hint hints[AGGR_JSON_HINTS];
    const char *looked_to; /* how far ahead aggr_json_room_ahead has looked in the text */
};

/* The hint for what is `depth` levels down, under the key of that place. */
static inline struct aggr_json_hint *aggr_json_room_hint(struct aggr_json_room *room,
                                                         unsigned place, unsigned depth)
{
    return &room->hints[(place + depth * 37) % AGGR_JSON_HINTS];
}

/* How many items seem to come at `at` in a list of which `count` took `used` bytes. A part of a
 * text is looked at once (0: it was), so what is wasted on wrong guesses is in proportion to the
 * text. Not for another text before looked_to is its beginning. */
size_t aggr_json_room_ahead(struct aggr_json_room *room, const char *at, const char *end,
                            size_t count, size_t used);
