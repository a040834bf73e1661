/* The tree of scopes: who is told of a cancellation, in which order, and what hides it. */
#include "base/scope.h"
#include "check.h"
#include <math.h>

struct ticker {
    struct aggr_clock clock;
    uint64_t now_ns;
};

static uint64_t monotonic_ns(struct aggr_clock *clock)
{
    return AGGR_LIST_ENTRY(clock, struct ticker, clock)->now_ns;
}

struct member {
    struct aggr_scope_member member;
    char name;
};

static char told[64];

static void on_cancel(struct aggr_scope_member *member)
{
    char name[2] = {AGGR_LIST_ENTRY(member, struct member, member)->name, 0};
    strcat(told, name);
}

enum { COUNT = 6 };

/*  0 -+- 1 --- 2
 *     +- 3 -+- 4
 *           +- 5      each with the members 'a' + n and, in 0, 'z' as well */
struct tree {
    struct ticker ticker;
    struct aggr_timers timers;
    struct aggr_scopes all;
    struct aggr_scope scopes[COUNT];
    struct member members[COUNT + 1];
};

static void plant(struct tree *tree)
{
    static const int parents[COUNT] = {-1, 0, 1, 0, 3, 3};
    *tree = (struct tree){.ticker.clock.monotonic_ns = monotonic_ns};
    tree->all = (struct aggr_scopes){
        .timers = &tree->timers, .clock = &tree->ticker.clock, .on_cancel = on_cancel};
    for (int i = 0; i < COUNT; i++) {
        struct aggr_scope *parent = parents[i] < 0 ? NULL : &tree->scopes[parents[i]];
        aggr_scope_init(&tree->scopes[i], &tree->all, parent);
        tree->members[i].name = (char)('a' + i);
        aggr_scope_join(&tree->scopes[i], &tree->members[i].member);
    }
    tree->members[COUNT].name = 'z';
    aggr_scope_join(&tree->scopes[0], &tree->members[COUNT].member);
    told[0] = 0;
}

static void fell(struct tree *tree)
{
    for (int i = 0; i <= COUNT; i++)
        aggr_scope_leave(&tree->members[i].member);
    for (int i = COUNT - 1; i >= 0; i--)
        aggr_scope_deinit(&tree->scopes[i]);
    CHECK(tree->all.open == 0);
    CHECK(tree->timers.len == 0);
    aggr_timers_deinit(&tree->timers);
}

static void advance(struct tree *tree, double seconds)
{
    tree->ticker.now_ns = aggr_clock_after(tree->ticker.now_ns, seconds);
    aggr_timers_fire(&tree->timers, tree->ticker.now_ns);
}

static void a_cancel_tells_all_below_in_order(void)
{
    struct tree tree;
    plant(&tree);
    aggr_scope_cancel(&tree.scopes[0], AGGR_REASON_SIGNAL);
    CHECK_STR(told, "azbcdef");
    aggr_scope_cancel(&tree.scopes[0], AGGR_REASON_CANCELLED);
    aggr_scope_cancel(&tree.scopes[3], AGGR_REASON_CANCELLED);
    CHECK_STR(told, "azbcdef");
    CHECK(tree.scopes[0].reason == AGGR_REASON_SIGNAL);
    fell(&tree);
}

static void a_cancel_tells_nobody_beside_or_above(void)
{
    struct tree tree;
    plant(&tree);
    aggr_scope_cancel(&tree.scopes[3], AGGR_REASON_CANCELLED);
    CHECK_STR(told, "def");
    CHECK(aggr_scope_cancelled(&tree.scopes[4]) == &tree.scopes[3]);
    CHECK(aggr_scope_outer_cancelled(&tree.scopes[3]) == NULL);
    CHECK(aggr_scope_cancelled(&tree.scopes[2]) == NULL);
    aggr_scope_cancel(&tree.scopes[0], AGGR_REASON_CANCELLED);
    CHECK_STR(told, "defazbc");
    CHECK(aggr_scope_outer_cancelled(&tree.scopes[3]) == &tree.scopes[0]);
    fell(&tree);
}

static void a_shield_hides_for_its_time(void)
{
    struct tree tree;
    plant(&tree);
    aggr_scope_set_shield(&tree.scopes[3], 2);
    aggr_scope_cancel(&tree.scopes[0], AGGR_REASON_CANCELLED);
    CHECK_STR(told, "azbc");
    CHECK(aggr_scope_cancelled(&tree.scopes[5]) == NULL);
    advance(&tree, 1);
    CHECK_STR(told, "azbc");
    advance(&tree, 1);
    CHECK_STR(told, "azbcdef");
    CHECK(aggr_scope_cancelled(&tree.scopes[5]) == &tree.scopes[0]);
    fell(&tree);
}

static void deadlines_come_outermost_first(void)
{
    struct tree tree;
    plant(&tree);
    aggr_scope_set_deadline(&tree.scopes[4], 5);
    aggr_scope_set_deadline(&tree.scopes[3], 5);
    CHECK(aggr_scope_due(&tree.scopes[5]) == 5 * AGGR_NS_PER_S);
    CHECK(aggr_scope_due(&tree.scopes[0]) == AGGR_NEVER);
    advance(&tree, 5);
    CHECK_STR(told, "def");
    CHECK(tree.scopes[3].reason == AGGR_REASON_DEADLINE);
    CHECK(tree.scopes[4].reason == AGGR_REASON_DEADLINE);
    CHECK(aggr_scope_outer_cancelled(&tree.scopes[4]) == &tree.scopes[3]);
    fell(&tree);
}

static void deadlines_that_have_passed_already(void)
{
    static const double seconds[] = {0, -1, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        struct tree tree;
        plant(&tree);
        aggr_scope_set_deadline(&tree.scopes[2], seconds[i]);
        CHECK(tree.scopes[2].reason == AGGR_REASON_DEADLINE);
        CHECK_STR(told, "c");
        fell(&tree);
    }
}

static void deferred_functions_share_what_is_left(void)
{
    struct tree tree;
    plant(&tree);
    CHECK(aggr_scope_defer_budget(&tree.scopes[4], 5) == 5);
    advance(&tree, 1);
    CHECK(aggr_scope_defer_budget(&tree.scopes[4], 5) == 5);
    aggr_scope_cancel(&tree.scopes[3], AGGR_REASON_CANCELLED);
    advance(&tree, 1);
    CHECK(aggr_scope_defer_budget(&tree.scopes[4], 5) == 5);
    advance(&tree, 3);
    CHECK(aggr_scope_defer_budget(&tree.scopes[5], 5) == 2);
    CHECK(aggr_scope_defer_budget(&tree.scopes[2], 5) == 5);
    advance(&tree, 3);
    CHECK(aggr_scope_defer_budget(&tree.scopes[3], 5) == 0);
    fell(&tree);
}

static void the_nearest_timeout_counts(void)
{
    struct tree tree;
    plant(&tree);
    CHECK(aggr_scope_timeout(&tree.scopes[4]) < 0);
    tree.scopes[0].timeout_s = 9;
    tree.scopes[3].timeout_s = 2;
    CHECK(aggr_scope_timeout(&tree.scopes[4]) == 2);
    CHECK(aggr_scope_timeout(&tree.scopes[2]) == 9);
    fell(&tree);
}

int main(void)
{
    a_cancel_tells_all_below_in_order();
    a_cancel_tells_nobody_beside_or_above();
    a_shield_hides_for_its_time();
    deadlines_come_outermost_first();
    deadlines_that_have_passed_already();
    deferred_functions_share_what_is_left();
    the_nearest_timeout_counts();
    return check_report();
}
