#include "base/scope.h"
#include "base/err.h"

static void on_deadline(struct aggr_timer *timer)
{
    struct aggr_scope *scope = AGGR_LIST_ENTRY(timer, struct aggr_scope, deadline);
    aggr_scope_cancel(scope, AGGR_REASON_DEADLINE);
}

static void on_shield_end(struct aggr_timer *timer);

void aggr_scope_init(struct aggr_scope *scope, struct aggr_scopes *all, struct aggr_scope *parent)
{
    *scope = (struct aggr_scope){.id = ++all->last_id, .all = all, .parent = parent};
    aggr_list_init(&scope->link);
    aggr_list_init(&scope->children);
    aggr_list_init(&scope->members);
    scope->timeout_s = -1;
    scope->depth = parent ? parent->depth + 1 : 0;
    scope->deadline.rank = scope->depth;
    scope->deadline.on_due = on_deadline;
    scope->shield_timer.rank = AGGR_TIMER_PLAIN;
    scope->shield_timer.on_due = on_shield_end;
    if (parent)
        aggr_list_push(&parent->children, &scope->link);
    all->open++;
}

void aggr_scope_deinit(struct aggr_scope *scope)
{
    AGGR_CHECK(aggr_list_empty(&scope->children));
    AGGR_CHECK(aggr_list_empty(&scope->members));
    if (aggr_timer_active(&scope->deadline))
        aggr_timer_stop(scope->all->timers, &scope->deadline);
    if (aggr_timer_active(&scope->shield_timer))
        aggr_timer_stop(scope->all->timers, &scope->shield_timer);
    aggr_list_remove(&scope->link);
    scope->all->open--;
}

/* Tell the members that can see a cancellation which has just come into force at `scope`. A child
 * that was cancelled before has told its own already. */
static void tell(struct aggr_scope *scope)
{
    for (struct aggr_list *at = scope->members.next; at != &scope->members; at = at->next)
        scope->all->on_cancel(AGGR_LIST_ENTRY(at, struct aggr_scope_member, link));
    for (struct aggr_list *at = scope->children.next; at != &scope->children; at = at->next) {
        struct aggr_scope *child = AGGR_LIST_ENTRY(at, struct aggr_scope, link);
        if (!child->shielded && child->reason == AGGR_REASON_NONE)
            tell(child);
    }
}

static void on_shield_end(struct aggr_timer *timer)
{
    struct aggr_scope *scope = AGGR_LIST_ENTRY(timer, struct aggr_scope, shield_timer);
    scope->shielded = false;
    if (scope->reason == AGGR_REASON_NONE && aggr_scope_cancelled(scope))
        tell(scope);
}

void aggr_scope_cancel(struct aggr_scope *scope, enum aggr_reason reason)
{
    if (scope->reason != AGGR_REASON_NONE)
        return;
    bool told = aggr_scope_cancelled(scope) != NULL;
    scope->reason = reason;
    if (aggr_timer_active(&scope->deadline))
        aggr_timer_stop(scope->all->timers, &scope->deadline);
    if (!told)
        tell(scope);
}

static uint64_t now_ns(struct aggr_scope *scope)
{
    return scope->all->clock->monotonic_ns(scope->all->clock);
}

void aggr_scope_set_deadline(struct aggr_scope *scope, double seconds)
{
    if (scope->reason != AGGR_REASON_NONE)
        return;
    if (!(seconds > 0))
        aggr_scope_cancel(scope, AGGR_REASON_DEADLINE);
    else
        aggr_timer_start(scope->all->timers, &scope->deadline,
                         aggr_clock_after(now_ns(scope), seconds));
}

void aggr_scope_set_shield(struct aggr_scope *scope, double seconds)
{
    if (!(seconds > 0))
        return;
    scope->shielded = true;
    aggr_timer_start(scope->all->timers, &scope->shield_timer,
                     aggr_clock_after(now_ns(scope), seconds));
}

struct aggr_scope *aggr_scope_cancelled(struct aggr_scope *scope)
{
    for (; scope; scope = scope->parent) {
        if (scope->reason != AGGR_REASON_NONE)
            return scope;
        if (scope->shielded)
            return NULL;
    }
    return NULL;
}

struct aggr_scope *aggr_scope_outer_cancelled(struct aggr_scope *scope)
{
    return scope->shielded ? NULL : aggr_scope_cancelled(scope->parent);
}

uint64_t aggr_scope_due(const struct aggr_scope *scope)
{
    uint64_t due = AGGR_NEVER;
    for (; scope; scope = scope->parent) {
        if (aggr_timer_active(&scope->deadline) && scope->deadline.due_ns < due)
            due = scope->deadline.due_ns;
        if (scope->shielded)
            break;
    }
    return due;
}

double aggr_scope_timeout(const struct aggr_scope *scope)
{
    for (; scope; scope = scope->parent)
        if (scope->timeout_s >= 0)
            return scope->timeout_s;
    return -1;
}

double aggr_scope_defer_budget(struct aggr_scope *scope, double budget_s)
{
    struct aggr_scope *cancelled = aggr_scope_cancelled(scope);
    if (!cancelled)
        return budget_s;
    uint64_t now = now_ns(scope);
    if (cancelled->defers_due_ns == 0)
        cancelled->defers_due_ns = aggr_clock_after(now, budget_s);
    if (cancelled->defers_due_ns <= now)
        return 0;
    return (double)(cancelled->defers_due_ns - now) / (double)AGGR_NS_PER_S;
}

void aggr_scope_join(struct aggr_scope *scope, struct aggr_scope_member *member)
{
    member->scope = scope;
    aggr_list_push(&scope->members, &member->link);
}

void aggr_scope_leave(struct aggr_scope_member *member)
{
    if (!member->scope)
        return;
    aggr_list_remove(&member->link);
    member->scope = NULL;
}

const char *aggr_reason_name(enum aggr_reason reason)
{
    switch (reason) {
    case AGGR_REASON_NONE:
        return NULL;
    case AGGR_REASON_CANCELLED:
        return "cancelled";
    case AGGR_REASON_DEADLINE:
        return "deadline";
    case AGGR_REASON_SIGNAL:
        return "signal";
    }
    return NULL;
}
