/* descriptors.h -- how many descriptors the process has open, for tests. */
#pragma once
#include "io/descriptors.h"

static inline size_t count_descriptors(void)
{
    struct aggr_descriptors list = {0};
    aggr_descriptors_read(&list);
    size_t count = list.len;
    aggr_descriptors_deinit(&list);
    return count;
}
