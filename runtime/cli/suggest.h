/* suggest.h -- "did you mean": the known word nearest to a misspelt one. */
#pragma once
#include <stddef.h>

/* Remembers the nearest of the words offered to it. */
struct aggr_suggestion {
    const char *wanted;  /* borrowed: what was typed */
    const char *nearest; /* borrowed; NULL while nothing is near enough */
    size_t distance;
};

/* Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`; words over
 * 63 bytes are never near. */
size_t aggr_suggest_distance(const char *a, const char *b);

/* The beginning of a word counts as near to it. */
void aggr_suggest_offer(struct aggr_suggestion *suggestion, const char *word);
