/* budget.h -- bytes in use: now those of a Lua allocator, and room for others beside them.
 *
 * Counting only: what happens when it is too much is for the parts to decide. One thread.
 */
#pragma once
#include "base/err.h"
#include <stddef.h>

struct aggr_budget {
    size_t used, peak; /* bytes */
};

static inline void aggr_budget_add(struct aggr_budget *budget, size_t bytes)
{
    budget->used += bytes;
    if (budget->used > budget->peak)
        budget->peak = budget->used;
}

/* Give back what add counted. */
static inline void aggr_budget_sub(struct aggr_budget *budget, size_t bytes)
{
    AGGR_CHECK(bytes <= budget->used);
    budget->used -= bytes;
}
