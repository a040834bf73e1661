/* Permits: what each limit lets through, who goes first, and that nothing is left behind. */
#include "base/gate.h"
#include "base/mem.h"
#include "check.h"
#include <stdlib.h>

enum { MANY = 64 };

struct ask {
    struct aggr_waiter waiter;
    char name;
};

static char granted[4096]; /* names in the order of grants */
static size_t granted_len;

static void on_granted(struct aggr_waiter *self)
{
    granted[granted_len++] = ((struct ask *)self)->name;
    granted[granted_len] = '\0';
}

static void forget(void)
{
    granted_len = 0;
    granted[0] = '\0';
}

static void acquire(struct aggr_gate *gate, struct aggr_gate_client *client, const char *origin,
                    struct ask *ask, char name)
{
    *ask = (struct ask){{.on_granted = on_granted}, name};
    aggr_gate_acquire(gate, client, origin, &ask->waiter);
}

/* Ends all of `asks` and frees the gate, which checks that nothing is out. */
static void finish(struct aggr_gate *gate, struct ask *asks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (aggr_waiter_granted(&asks[i].waiter))
            aggr_gate_release(gate, &asks[i].waiter);
        else
            aggr_gate_withdraw(gate, &asks[i].waiter);
    }
    struct aggr_gate_stats stats = aggr_gate_stats(gate);
    CHECK(stats.in_use == 0 && stats.waiting == 0 && stats.origins == 0);
    aggr_gate_free(gate);
    forget();
}

static void acquire_never_calls_back(void)
{
    struct aggr_gate *gate = aggr_gate_new(2, 2);
    struct ask a;
    acquire(gate, NULL, "http://h:80", &a, 'a');
    CHECK_STR(granted, "");
    CHECK(aggr_gate_stats(gate).waiting == 1);
    CHECK(aggr_gate_pump(gate) == 1);
    CHECK_STR(granted, "a");
    CHECK(aggr_gate_pump(gate) == 0);
    finish(gate, &a, 1);
}

static void another_limit_holds_from_then_on(void)
{
    struct aggr_gate *gate = aggr_gate_new(3, 0);
    struct ask asks[5];
    for (int i = 0; i < 5; i++)
        acquire(gate, NULL, "a", &asks[i], (char)('0' + i));
    aggr_gate_pump(gate);
    CHECK_STR(granted, "012");
    aggr_gate_limit(gate, 1);
    aggr_gate_release(gate, &asks[0].waiter);
    aggr_gate_release(gate, &asks[1].waiter);
    CHECK(aggr_gate_pump(gate) == 0); /* one is out still */
    aggr_gate_limit(gate, 2);
    CHECK(aggr_gate_pump(gate) == 1);
    finish(gate, asks, 5);
}

static void process_limit_holds(void)
{
    struct aggr_gate *gate = aggr_gate_new(2, 0);
    struct ask asks[4];
    acquire(gate, NULL, "a", &asks[0], '0');
    acquire(gate, NULL, "b", &asks[1], '1');
    acquire(gate, NULL, "c", &asks[2], '2');
    acquire(gate, NULL, "d", &asks[3], '3');
    aggr_gate_pump(gate);
    CHECK_STR(granted, "01");
    aggr_gate_release(gate, &asks[1].waiter);
    aggr_gate_pump(gate);
    CHECK_STR(granted, "012");
    CHECK(aggr_gate_stats(gate).peak == 2 && aggr_gate_stats(gate).waiting == 1);
    CHECK(aggr_gate_stats(gate).origins == 3);
    finish(gate, asks, 4);
}

static void hanging_origin_slows_no_other(void)
{
    struct aggr_gate *gate = aggr_gate_new(8, 2);
    struct ask slow[MANY], quick[MANY];
    for (int i = 0; i < MANY; i++)
        acquire(gate, NULL, "slow", &slow[i], 's');
    for (int i = 0; i < MANY; i++) {
        acquire(gate, NULL, "quick", &quick[i], 'q');
        aggr_gate_pump(gate);
        CHECK(aggr_waiter_granted(&quick[i].waiter));
        aggr_gate_release(gate, &quick[i].waiter);
    }
    CHECK(aggr_gate_stats(gate).in_use == 2 && aggr_gate_stats(gate).peak == 3);
    finish(gate, slow, MANY);
}

static void narrow_client_slows_no_other(void)
{
    struct aggr_gate *gate = aggr_gate_new(8, 4);
    struct aggr_gate_client *narrow = aggr_gate_client_new(1, 0);
    struct ask mine[MANY], others[3];
    for (int i = 0; i < MANY; i++)
        acquire(gate, narrow, i % 2 ? "a" : "b", &mine[i], 'n');
    for (int i = 0; i < 3; i++)
        acquire(gate, NULL, "a", &others[i], 'o');
    aggr_gate_pump(gate);
    CHECK_STR(granted, "nooo");
    aggr_gate_client_free(narrow); /* lives on for those that wait */
    aggr_gate_release(gate, &mine[0].waiter);
    aggr_gate_pump(gate);
    CHECK_STR(granted, "nooon");
    for (int i = 0; i < 3; i++)
        aggr_gate_release(gate, &others[i].waiter);
    finish(gate, mine, MANY);
}

static void client_per_host_limit_is_its_own(void)
{
    struct aggr_gate *gate = aggr_gate_new(0, 0);
    struct aggr_gate_client *client = aggr_gate_client_new(3, 2);
    struct ask asks[6];
    acquire(gate, client, "a", &asks[0], '0');
    acquire(gate, client, "a", &asks[1], '1');
    acquire(gate, client, "a", &asks[2], '2');
    acquire(gate, client, "b", &asks[3], '3');
    acquire(gate, client, "b", &asks[4], '4');
    acquire(gate, NULL, "a", &asks[5], '5');
    aggr_gate_pump(gate);
    CHECK(granted_len == 4);
    CHECK(strchr(granted, '0') && strchr(granted, '3') && strchr(granted, '5'));
    CHECK(!aggr_waiter_granted(&asks[2].waiter));
    aggr_gate_release(gate, &asks[0].waiter);
    aggr_gate_release(gate, &asks[3].waiter);
    aggr_gate_pump(gate);
    CHECK(aggr_gate_stats(gate).in_use == 4);
    finish(gate, asks, 6);
    aggr_gate_client_free(client);
}

static void queues_of_one_origin_take_turns(void)
{
    struct aggr_gate *gate = aggr_gate_new(0, 1);
    struct aggr_gate_client *clients[3];
    struct ask asks[12];
    for (int c = 0; c < 3; c++)
        clients[c] = aggr_gate_client_new(0, 0);
    for (int i = 0; i < 12; i++) /* four of each, one client after the other */
        acquire(gate, clients[i / 4], "a", &asks[i], (char)('a' + i / 4));
    for (int turn = 0; turn < 12; turn++) {
        aggr_gate_pump(gate);
        for (int i = 0; i < 12; i++)
            if (aggr_waiter_granted(&asks[i].waiter))
                aggr_gate_release(gate, &asks[i].waiter);
    }
    CHECK_STR(granted, "abcabcabcabc");
    for (int c = 0; c < 3; c++)
        aggr_gate_client_free(clients[c]);
    finish(gate, asks, 12);
}

static void a_client_at_its_own_limit_does_not_jump_the_line(void)
{
    struct aggr_gate *gate = aggr_gate_new(0, 1);
    struct aggr_gate_client *client = aggr_gate_client_new(0, 1);
    struct ask asks[6];
    for (int i = 0; i < 3; i++)
        acquire(gate, client, "a", &asks[i], 'c');
    for (int i = 3; i < 6; i++)
        acquire(gate, NULL, "a", &asks[i], 'n');
    for (int turn = 0; turn < 6; turn++) {
        aggr_gate_pump(gate);
        for (int i = 0; i < 6; i++)
            if (aggr_waiter_granted(&asks[i].waiter))
                aggr_gate_release(gate, &asks[i].waiter);
    }
    CHECK_STR(granted, "cncncn");
    aggr_gate_client_free(client);
    finish(gate, asks, 6);
}

static void withdrawn_waiter_passes_its_chance_on(void)
{
    struct aggr_gate *gate = aggr_gate_new(2, 1);
    struct aggr_gate_client *one = aggr_gate_client_new(0, 0), *two = aggr_gate_client_new(0, 0);
    struct ask asks[3];
    acquire(gate, NULL, "a", &asks[0], '0');
    aggr_gate_pump(gate);
    acquire(gate, one, "a", &asks[1], '1');
    acquire(gate, two, "a", &asks[2], '2');
    aggr_gate_pump(gate);
    aggr_gate_release(gate, &asks[0].waiter);  /* calls the queue of 1 */
    aggr_gate_withdraw(gate, &asks[1].waiter); /* which goes away */
    aggr_gate_withdraw(gate, &asks[1].waiter); /* idempotent */
    aggr_gate_pump(gate);
    CHECK_STR(granted, "02");
    aggr_gate_client_free(one);
    aggr_gate_client_free(two);
    finish(gate, asks, 3);
}

static struct aggr_gate *nested;
static struct ask nested_asks[MANY];

/* Gives back at once what it gets, and pumps although it must not matter. */
static void on_granted_release(struct aggr_waiter *self)
{
    on_granted(self);
    aggr_gate_release(nested, self);
    CHECK(aggr_gate_pump(nested) == 0);
}

static void callbacks_may_release(void)
{
    nested = aggr_gate_new(1, 1);
    for (int i = 0; i < MANY; i++) {
        acquire(nested, NULL, i % 3 ? "a" : "b", &nested_asks[i], 'x');
        nested_asks[i].waiter.on_granted = on_granted_release;
    }
    CHECK(aggr_gate_pump(nested) == MANY);
    CHECK(aggr_gate_stats(nested).peak == 1);
    finish(nested, nested_asks, MANY);
}

/* Ten thousand clients of one host: no look-up may walk them all. Runs in the blink of an eye or
 * shows up in the test's time-out. */
static void many_clients_cost_no_scan(void)
{
    enum { COUNT = 50000 };
    struct aggr_gate *gate = aggr_gate_new(4, 2);
    struct ask *asks = aggr_mem_new(COUNT, sizeof *asks);
    struct aggr_gate_client **clients = aggr_mem_new(COUNT, sizeof(struct aggr_gate_client *));
    for (int i = 0; i < COUNT; i++) {
        clients[i] = aggr_gate_client_new(1, 1);
        asks[i] = (struct ask){{.on_granted = on_granted}, 'm'};
        aggr_gate_acquire(gate, clients[i], "host", &asks[i].waiter);
        aggr_gate_client_free(clients[i]);
    }
    int ended = 0;
    while (ended < COUNT) {
        forget();
        size_t count = aggr_gate_pump(gate);
        CHECK(count > 0);
        for (size_t i = 0; i < count; i++)
            aggr_gate_release(gate, &asks[ended++].waiter); /* in order: all are of one origin */
    }
    finish(gate, asks, 0);
    free(clients);
    free(asks);
}

int main(void)
{
    acquire_never_calls_back();
    process_limit_holds();
    another_limit_holds_from_then_on();
    hanging_origin_slows_no_other();
    narrow_client_slows_no_other();
    client_per_host_limit_is_its_own();
    queues_of_one_origin_take_turns();
    a_client_at_its_own_limit_does_not_jump_the_line();
    withdrawn_waiter_passes_its_chance_on();
    callbacks_may_release();
    many_clients_cost_no_scan();
    return check_report();
}
