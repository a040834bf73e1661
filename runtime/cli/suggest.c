#include "cli/suggest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t aggr_suggest_distance(const char *a, const char *b)
{
    size_t len_a = strlen(a), len_b = strlen(b);
    if (len_a > WORD_MAX || len_b > WORD_MAX)
        return SIZE_MAX;
    size_t rows[3][WORD_MAX + 1] = {{0}}; /* the row before last, the last, the one being made */
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= len_b; j++)
        last[j] = j;
    for (size_t i = 1; i <= len_a; i++) {
        row[0] = i;
        for (size_t j = 1; j <= len_b; j++) {
            size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(replaced, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = last, last = row, row = spare;
    }
    return last[len_b];
}

static bool is_beginning(const char *part, const char *word)
{
    size_t len = strlen(part);
    return len >= 2 && strncmp(part, word, len) == 0;
}

void aggr_suggest_offer(struct aggr_suggestion *suggestion, const char *word)
{
    size_t distance = is_beginning(suggestion->wanted, word)
                          ? 1
                          : aggr_suggest_distance(suggestion->wanted, word);
    size_t near = strlen(word) / 3 + 1;
    size_t longest =
        strlen(word) > strlen(suggestion->wanted) ? strlen(word) : strlen(suggestion->wanted);
    if (distance > near || distance >= longest)
        return;
    if (suggestion->nearest && distance >= suggestion->distance)
        return;
    suggestion->nearest = word;
    suggestion->distance = distance;
}
