#include "io/late.h"
#include <stdio.h>

void aggr_late_begin(struct aggr_late *late)
{
    late->round++;
    late->count = 0;
}

void aggr_late_note(struct aggr_late *late, uint64_t *round, const char *url)
{
    if (*round == late->round)
        return;
    *round = late->round;
    if (late->count < AGGR_LATE_URLS)
        snprintf(late->urls[late->count], AGGR_LATE_URL_MAX, "%s", url ? url : "");
    late->count++;
}
