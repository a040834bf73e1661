/* The small ones: errors, memory, clock, budget, chance, hash table. */
#include "base/budget.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/table.h"
#include "check.h"
#include <math.h>

static void kinds_and_phases_are_spelt_as_scripts_see_them(void)
{
    CHECK_STR(aggr_err_kind(AGGR_ERR_TIMEOUT), "timeout");
    CHECK_STR(aggr_err_kind(AGGR_ERR_TOO_LARGE), "too_large");
    CHECK_STR(aggr_err_kind(AGGR_ERR_SCRIPT), "script");
    for (int code = AGGR_OK; code <= AGGR_ERR_SYSTEM; code++)
        CHECK(aggr_err_kind((enum aggr_err)code)[0] != '\0');
    CHECK_STR(aggr_phase_name(AGGR_PHASE_QUEUE), "queue");
    CHECK_STR(aggr_phase_name(AGGR_PHASE_BODY), "body");
    for (int phase = AGGR_PHASE_QUEUE; phase <= AGGR_PHASE_BODY; phase++)
        CHECK(aggr_phase_name((enum aggr_phase)phase)[0] != '\0');
}

static void the_first_failure_counts_and_is_one_line(void)
{
    struct aggr_failure why = {0};
    aggr_failure_set(&why, AGGR_ERR_TLS, AGGR_PHASE_TLS, "bad\r\ncertificate %d", 7);
    aggr_failure_set(&why, AGGR_ERR_DNS, AGGR_PHASE_DNS, "later");
    CHECK(why.code == AGGR_ERR_TLS && why.phase == AGGR_PHASE_TLS);
    CHECK_STR(why.text, "bad??certificate 7");
    struct aggr_failure longer = {0};
    aggr_failure_set(&longer, AGGR_ERR_DNS, AGGR_PHASE_DNS, "%0500d", 1);
    CHECK(strlen(longer.text) == AGGR_FAILURE_TEXT - 1);
    aggr_failure_set(NULL, AGGR_ERR_DNS, AGGR_PHASE_DNS, "nobody asks");
}

static void memory_is_zeroed_and_copied(void)
{
    int *numbers = aggr_mem_new(3, sizeof *numbers);
    CHECK(numbers[0] == 0 && numbers[2] == 0);
    numbers = aggr_mem_resize(numbers, 1000, sizeof *numbers);
    numbers[999] = 1;
    free(numbers);
    char *copy = aggr_mem_strdup("text");
    CHECK_STR(copy, "text");
    free(copy);
    free(aggr_mem_new(0, 0));
}

static void clock_runs_forward_and_adds_without_overflow(void)
{
    uint64_t first = aggr_clock_system.monotonic_ns(&aggr_clock_system);
    CHECK(first > 0 && aggr_clock_system.monotonic_ns(&aggr_clock_system) >= first);
    CHECK(aggr_clock_system.wall_s(&aggr_clock_system) > 1.6e9);
    CHECK(aggr_clock_system.jump == NULL);
    CHECK(aggr_clock_after(5, 1.5) == 1500000005);
    CHECK(aggr_clock_after(5, 0) == 5);
    CHECK(aggr_clock_after(5, -3) == 5);
    CHECK(aggr_clock_after(5, NAN) == 5);
    CHECK(aggr_clock_after(5, INFINITY) == AGGR_NEVER);
    CHECK(aggr_clock_after(5, 1e300) == AGGR_NEVER);
    CHECK(aggr_clock_after(AGGR_NEVER - 10, 1) == AGGR_NEVER);
}

static void budget_counts(void)
{
    struct aggr_budget budget = {0};
    aggr_budget_add(&budget, 100);
    aggr_budget_sub(&budget, 60);
    aggr_budget_add(&budget, 20);
    CHECK(budget.used == 60 && budget.peak == 100);
}

static void chance_is_seeded_and_even(void)
{
    struct aggr_rng a, b;
    aggr_rng_init(&a, 42);
    aggr_rng_init(&b, 42);
    CHECK(a.state[0] == 0xbdd732262feb6e95 && a.state[1] == 0x28efe333b266f103); /* splitmix64 */
    double sum = 0, least = 1, most = 0;
    unsigned sixes[6] = {0};
    for (int i = 0; i < 60000; i++) {
        CHECK(aggr_rng_next(&a) == aggr_rng_next(&b));
        double u = aggr_rng_uniform(&a);
        aggr_rng_next(&b);
        sum += u;
        least = u < least ? u : least;
        most = u > most ? u : most;
        sixes[aggr_rng_below(&a, 6)]++;
        aggr_rng_below(&b, 6);
    }
    CHECK(least >= 0 && most < 1 && fabs(sum / 60000 - 0.5) < 0.01);
    for (int i = 0; i < 6; i++)
        CHECK(sixes[i] > 9500 && sixes[i] < 10500);
    CHECK(aggr_rng_below(&a, 1) == 0);
    CHECK(aggr_rng_entropy() != aggr_rng_entropy());
}

struct item {
    struct aggr_table_node node;
    unsigned key;
};

static bool item_matches(const struct aggr_table_node *node, const void *key)
{
    return ((const struct item *)node)->key == *(const unsigned *)key;
}

static struct item *find(const struct aggr_table *table, unsigned key)
{
    return (struct item *)aggr_table_find(table, aggr_table_hash(&key, sizeof key), item_matches,
                                          &key);
}

static void table_finds_what_is_in_it(void)
{
    enum { COUNT = 5000 };
    static struct item items[COUNT];
    struct aggr_table table = {0};
    CHECK(find(&table, 1) == NULL);
    for (unsigned i = 0; i < COUNT; i++) {
        items[i].key = i;
        aggr_table_insert(&table, &items[i].node, aggr_table_hash(&i, sizeof i));
    }
    for (unsigned i = 0; i < COUNT; i += 2)
        aggr_table_remove(&table, &items[i].node);
    int wrong = 0;
    for (unsigned i = 0; i < COUNT; i++)
        wrong += find(&table, i) != (i % 2 ? &items[i] : NULL);
    CHECK(wrong == 0 && table.len == COUNT / 2);
    for (unsigned i = 1; i < COUNT; i += 2)
        aggr_table_remove(&table, &items[i].node);
    CHECK(table.len == 0 && table.size <= 64); /* memory follows the number of nodes down */
    aggr_table_deinit(&table);
}

int main(void)
{
    kinds_and_phases_are_spelt_as_scripts_see_them();
    the_first_failure_counts_and_is_one_line();
    memory_is_zeroed_and_copied();
    clock_runs_forward_and_adds_without_overflow();
    budget_counts();
    chance_is_seeded_and_even();
    table_finds_what_is_in_it();
    return check_report();
}
