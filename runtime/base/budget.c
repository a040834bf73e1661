#include "base/budget.h"
#include "base/err.h"

void aggr_budget_add(struct aggr_budget *budget, size_t bytes)
{
    budget->used += bytes;
    if (budget->used > budget->peak)
        budget->peak = budget->used;
}

bool aggr_budget_take(struct aggr_budget *budget, size_t bytes)
{
    if (budget->limit && (budget->used > budget->limit || bytes > budget->limit - budget->used))
        return false;
    aggr_budget_add(budget, bytes);
    return true;
}

void aggr_budget_sub(struct aggr_budget *budget, size_t bytes)
{
    AGGR_CHECK(bytes <= budget->used);
    budget->used -= bytes;
}
