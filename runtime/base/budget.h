/* budget.h -- bytes in use by several parts together: body buffers and the Lua allocator.
 *
 * Counting only: what happens past the limit is for the parts to decide. One thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct aggr_budget {
    size_t used, peak; /* bytes */
    size_t limit;      /* bytes; 0 = none */
};

/* Count `bytes` more, limit or not. */
void aggr_budget_add(struct aggr_budget *budget, size_t bytes);

/* Count them only when they fit below the limit. */
bool aggr_budget_take(struct aggr_budget *budget, size_t bytes);

/* Give back what add or take counted. */
void aggr_budget_sub(struct aggr_budget *budget, size_t bytes);

static inline bool aggr_budget_over(const struct aggr_budget *budget)
{
    return budget->limit && budget->used > budget->limit;
}
