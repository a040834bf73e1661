/* The timer heap: order at one instant (R33), stopping and starting from callbacks, and 100,000
 * random operations against a sorted model. */
#include "base/timer.h"
#include "base/clock.h"
#include "base/rng.h"
#include "check.h"

enum { COUNT = 200, OPERATIONS = 100000 };

struct named {
    struct aggr_timer timer;
    int name;
};

static struct aggr_ledger ledger;
static struct aggr_timers timers = {.ledger = &ledger};
static int fired[COUNT * 2];
static size_t fired_len;

/* Timers that the ledger has as set, and neither fired nor stopped. */
static uint64_t counted(void)
{
    return ledger.made[AGGR_LEDGER_TIMERS] - ledger.gone[AGGR_LEDGER_TIMERS];
}

static void on_due(struct aggr_timer *self)
{
    CHECK(!aggr_timer_active(self));
    if (fired_len < COUNT * 2)
        fired[fired_len++] = ((struct named *)self)->name;
}

static struct named make(int name, uint32_t rank, void (*callback)(struct aggr_timer *))
{
    return (struct named){{.rank = rank, .on_due = callback}, name};
}

static void one_instant_one_order(void)
{
    struct named plain1 = make(1, AGGR_TIMER_PLAIN, on_due);
    struct named plain2 = make(2, AGGR_TIMER_PLAIN, on_due);
    struct named inner = make(3, 7, on_due), outer = make(4, 0, on_due);
    struct named early = make(5, AGGR_TIMER_PLAIN, on_due);
    aggr_timer_start(&timers, &plain1.timer, 10);
    aggr_timer_start(&timers, &plain2.timer, 10);
    aggr_timer_start(&timers, &inner.timer, 10);
    aggr_timer_start(&timers, &outer.timer, 10);
    aggr_timer_start(&timers, &early.timer, 9);
    CHECK(aggr_timers_next(&timers) == 9);
    CHECK(aggr_timers_fire(&timers, 8) == 0);
    fired_len = 0;
    CHECK(aggr_timers_fire(&timers, 10) == 5);
    CHECK(fired[0] == 5 && fired[1] == 4 && fired[2] == 3 && fired[3] == 1 && fired[4] == 2);
    CHECK(aggr_timers_next(&timers) == AGGR_NEVER);
}

static void never_only_stops(void)
{
    struct named timer = make(1, 0, on_due);
    aggr_timer_start(&timers, &timer.timer, AGGR_NEVER);
    CHECK(!aggr_timer_active(&timer.timer));
    aggr_timer_start(&timers, &timer.timer, 5);
    aggr_timer_start(&timers, &timer.timer, AGGR_NEVER);
    CHECK(!aggr_timer_active(&timer.timer));
    aggr_timer_stop(&timers, &timer.timer);
    CHECK(aggr_timers_fire(&timers, AGGR_NEVER - 1) == 0);
}

static struct named victim, again;

static void on_due_stop_victim(struct aggr_timer *self)
{
    on_due(self);
    CHECK(aggr_timer_active(&victim.timer));
    aggr_timer_stop(&timers, &victim.timer);
    CHECK(!aggr_timer_active(&victim.timer));
}

static void a_timer_stopped_by_another_does_not_fire(void)
{
    struct named killer = make(1, 0, on_due_stop_victim);
    victim = make(2, 1, on_due);
    aggr_timer_start(&timers, &victim.timer, 10);
    aggr_timer_start(&timers, &killer.timer, 10);
    fired_len = 0;
    CHECK(aggr_timers_fire(&timers, 10) == 1);
    CHECK(fired_len == 1 && fired[0] == 1);
}

static void on_due_move_victim(struct aggr_timer *self)
{
    on_due(self);
    aggr_timer_start(&timers, &victim.timer, 3);
}

static void a_timer_started_by_another_waits_for_the_next_call(void)
{
    struct named mover = make(1, 0, on_due_move_victim);
    victim = make(2, 1, on_due);
    aggr_timer_start(&timers, &mover.timer, 10);
    aggr_timer_start(&timers, &victim.timer, 10); /* due too, but moved */
    CHECK(aggr_timers_fire(&timers, 10) == 1);
    CHECK(aggr_timer_active(&victim.timer));
    CHECK(aggr_timers_next(&timers) == 3);
    CHECK(aggr_timers_fire(&timers, 10) == 1);
}

static void on_due_start_again(struct aggr_timer *self)
{
    on_due(self);
    aggr_timer_start(&timers, self, 0);
}

static void a_timer_may_start_itself(void)
{
    again = make(1, 0, on_due_start_again);
    aggr_timer_start(&timers, &again.timer, 0);
    for (int i = 0; i < 3; i++)
        CHECK(aggr_timers_fire(&timers, 100) == 1);
    aggr_timer_stop(&timers, &again.timer);
    CHECK(aggr_timers_fire(&timers, 100) == 0);
}

/* What the model knows of each timer; a started one has its number in the order of starts. */
struct record {
    bool active;
    uint64_t due_ns;
    uint32_t rank;
    unsigned long number;
};

static struct named subjects[COUNT];
static struct record records[COUNT];

static bool goes_before(const struct record *a, const struct record *b)
{
    if (a->due_ns != b->due_ns)
        return a->due_ns < b->due_ns;
    return a->rank != b->rank ? a->rank < b->rank : a->number < b->number;
}

/* The first active record, -1 when there is none. */
static int first_record(void)
{
    int first = -1;
    for (int i = 0; i < COUNT; i++)
        if (records[i].active && (first < 0 || goes_before(&records[i], &records[first])))
            first = i;
    return first;
}

static void fire_and_compare(uint64_t now_ns)
{
    fired_len = 0;
    size_t count = aggr_timers_fire(&timers, now_ns);
    CHECK(count == fired_len);
    for (size_t i = 0; i < fired_len; i++) {
        int expected = first_record();
        CHECK(expected == fired[i] && records[expected].due_ns <= now_ns);
        records[fired[i]].active = false;
    }
    int next = first_record();
    CHECK(aggr_timers_next(&timers) == (next < 0 ? AGGR_NEVER : records[next].due_ns));
    CHECK(next < 0 || records[next].due_ns > now_ns);
    bool awaited = false;
    for (int i = 0; i < COUNT; i++)
        awaited = awaited || (records[i].active && !subjects[i].timer.background);
    CHECK(aggr_timers_awaited(&timers) == awaited);
}

static void random_operations_match_the_model(void)
{
    struct aggr_rng rng;
    uint64_t seed = aggr_rng_entropy(), now_ns = 1000;
    int failed_before = check_failed;
    aggr_rng_init(&rng, seed);
    for (int i = 0; i < COUNT; i++)
        subjects[i] = (struct named){{.on_due = on_due, .background = i % 8 != 0}, i};
    for (unsigned long n = 0; n < OPERATIONS; n++) {
        int i = (int)aggr_rng_below(&rng, COUNT);
        uint64_t choice = aggr_rng_below(&rng, 16);
        if (choice < 9) {
            uint32_t rank =
                aggr_rng_below(&rng, 2) ? (uint32_t)aggr_rng_below(&rng, 3) : AGGR_TIMER_PLAIN;
            aggr_timer_stop(&timers, &subjects[i].timer);
            subjects[i].timer.rank = rank;
            records[i] = (struct record){true, now_ns + aggr_rng_below(&rng, 50), rank, n};
            aggr_timer_start(&timers, &subjects[i].timer, records[i].due_ns);
        } else if (choice < 14) {
            records[i].active = false;
            aggr_timer_stop(&timers, &subjects[i].timer);
        } else {
            now_ns += aggr_rng_below(&rng, 8);
            fire_and_compare(now_ns);
        }
        CHECK(aggr_timer_active(&subjects[i].timer) == records[i].active);
        CHECK(counted() == timers.len - timers.background);
    }
    fire_and_compare(now_ns + 100);
    if (check_failed != failed_before)
        fprintf(stderr, "seed %#llx\n", (unsigned long long)seed);
}

int main(void)
{
    one_instant_one_order();
    never_only_stops();
    a_timer_stopped_by_another_does_not_fire();
    a_timer_started_by_another_waits_for_the_next_call();
    a_timer_may_start_itself();
    random_operations_match_the_model();
    CHECK(timers.len == 0);
    CHECK(ledger.made[AGGR_LEDGER_TIMERS] > 0 && counted() == 0);
    aggr_timers_deinit(&timers);
    return check_report();
}
