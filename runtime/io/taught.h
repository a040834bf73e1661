/* taught.h -- which addresses of which names a multi handle has been taught: it keeps them until it
 * is taught others (facts 1). Plain data; at most 512 names.
 *
 *   init -> (find | note)* -> deinit
 */
#pragma once
#include "base/table.h"

struct aggr_taught {
    struct aggr_table names;
    struct aggr_list by_age; /* the oldest first */
};

void aggr_taught_init(struct aggr_taught *taught);
void aggr_taught_deinit(struct aggr_taught *taught);

/* The id of the answer it has for `text` ("host:port"), 0 = none. */
uint64_t aggr_taught_find(const struct aggr_taught *taught, const char *text);

/* It has this answer now. */
void aggr_taught_note(struct aggr_taught *taught, const char *text, uint64_t answer_id);

/* There is no room for another name: the oldest one's, taken out; free(3) it. NULL: there is room.
 */
char *aggr_taught_drop(struct aggr_taught *taught);
