/* late.h -- the fetches that something happens to during one turn of the loop: after a stall, those
 * that have waited for it.
 *
 * Collected while `runtime->late` points to one; each fetch counts once.
 */
#pragma once
#include <stdint.h>

enum { AGGR_LATE_URLS = 10, AGGR_LATE_URL_MAX = 256 };

struct aggr_late {
    uint64_t round; /* differs from turn to turn */
    unsigned count;
    char urls[AGGR_LATE_URLS][AGGR_LATE_URL_MAX]; /* of the first ones */
};

/* For the next turn. */
void aggr_late_begin(struct aggr_late *late);

/* `*round` is the fetch's own, 0 at first; `url` has no userinfo, or is NULL. */
void aggr_late_note(struct aggr_late *late, uint64_t *round, const char *url);
