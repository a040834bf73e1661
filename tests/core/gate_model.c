/* The gate against a naive model: 100,000 random acquires, releases and withdrawals from a seed,
 * with exact counters, FIFO queues, no permit left idle while somebody could use it, and turns. */
#include "base/gate.h"
#include "base/rng.h"
#include "check.h"
#include <stdlib.h>

enum { ORIGINS = 7, CLIENTS = 5, WAITERS = 300, OPERATIONS = 100000 };

enum state { OUT, WAITING, HOLDING };

struct asker {
    struct aggr_waiter waiter;
    int client, origin; /* client 0 = none */
    enum state state;
    unsigned long number; /* of its acquire: FIFO within a queue */
};

struct limits {
    unsigned process, per_host, client[CLIENTS], client_per_host[CLIENTS]; /* 0 = none */
};

static struct aggr_gate *gate;
static struct aggr_gate_client *clients[CLIENTS];
static struct asker askers[WAITERS];
static struct limits limits;
static struct aggr_rng rng;
static unsigned long acquires;
static unsigned peak;
static bool reenter;
/* How often queue [c][o] has been served since [c2][o] began to wait or was served: turns. */
static unsigned passed[CLIENTS][CLIENTS][ORIGINS];
static unsigned worst_passed;

static unsigned count(enum state state, int client, int origin)
{
    unsigned n = 0;
    for (int i = 0; i < WAITERS; i++)
        n += askers[i].state == state && (client < 0 || askers[i].client == client) &&
             (origin < 0 || askers[i].origin == origin);
    return n;
}

static bool below(unsigned used, unsigned limit)
{
    return limit == 0 || used < limit;
}

static bool all_free(int client, int origin)
{
    return below(count(HOLDING, -1, -1), limits.process) &&
           below(count(HOLDING, -1, origin), limits.per_host) &&
           (client == 0 || (below(count(HOLDING, client, -1), limits.client[client]) &&
                            below(count(HOLDING, client, origin), limits.client_per_host[client])));
}

static struct asker *pick(enum state state)
{
    int start = (int)aggr_rng_below(&rng, WAITERS);
    for (int i = 0; i < WAITERS; i++)
        if (askers[(start + i) % WAITERS].state == state)
            return &askers[(start + i) % WAITERS];
    return NULL;
}

static void note_turn(const struct asker *served)
{
    for (int c = 0; c < CLIENTS; c++) {
        if (c == served->client || count(WAITING, c, served->origin) == 0)
            continue;
        unsigned *times = &passed[served->client][c][served->origin];
        if (++*times > worst_passed)
            worst_passed = *times;
    }
    for (int c = 0; c < CLIENTS; c++)
        passed[c][served->client][served->origin] = 0;
}

static void acquire(void);
static void release(void);
static void withdraw(void);

static void on_granted(struct aggr_waiter *self)
{
    struct asker *asker = (struct asker *)self;
    CHECK(asker->state == WAITING);
    CHECK(all_free(asker->client, asker->origin));
    for (int i = 0; i < WAITERS; i++)
        if (askers[i].state == WAITING && askers[i].client == asker->client &&
            askers[i].origin == asker->origin)
            CHECK(askers[i].number >= asker->number);
    asker->state = HOLDING;
    note_turn(asker);
    unsigned in_use = count(HOLDING, -1, -1);
    peak = in_use > peak ? in_use : peak;
    if (!reenter || aggr_rng_below(&rng, 8) != 0)
        return;
    acquire();
    withdraw();
    release();
}

static void acquire(void)
{
    static const char *const NAMES[ORIGINS] = {"http://a:80",   "http://b:80", "https://a:443",
                                               "http://c:80",   "/run/socket", "http://a:8080",
                                               "http://[::1]:1"};
    struct asker *asker = pick(OUT);
    if (!asker)
        return;
    asker->client = (int)aggr_rng_below(&rng, CLIENTS);
    asker->origin = (int)aggr_rng_below(&rng, ORIGINS);
    if (count(WAITING, asker->client, asker->origin) == 0)
        for (int c = 0; c < CLIENTS; c++)
            passed[c][asker->client][asker->origin] = 0;
    asker->state = WAITING;
    asker->number = acquires++;
    asker->waiter.on_granted = on_granted;
    aggr_gate_acquire(gate, clients[asker->client], NAMES[asker->origin], &asker->waiter);
}

static void release(void)
{
    struct asker *asker = pick(HOLDING);
    if (!asker)
        return;
    asker->state = OUT;
    aggr_gate_release(gate, &asker->waiter);
}

static void withdraw(void)
{
    struct asker *asker = pick(WAITING);
    if (!asker)
        return;
    asker->state = OUT;
    aggr_gate_withdraw(gate, &asker->waiter);
}

static void compare(void)
{
    struct aggr_gate_stats stats = aggr_gate_stats(gate);
    unsigned origins = 0;
    for (int o = 0; o < ORIGINS; o++)
        origins += count(WAITING, -1, o) + count(HOLDING, -1, o) > 0;
    CHECK(stats.in_use == count(HOLDING, -1, -1));
    CHECK(stats.waiting == count(WAITING, -1, -1));
    CHECK(stats.origins == origins);
    CHECK(stats.peak == peak);
}

/* After a pump nobody waits who lacks nothing. */
static void check_no_idle_permit(void)
{
    for (int c = 0; c < CLIENTS; c++)
        for (int o = 0; o < ORIGINS; o++)
            if (count(WAITING, c, o))
                CHECK(!all_free(c, o));
}

static void pump(void)
{
    aggr_gate_pump(gate);
    compare();
    check_no_idle_permit();
}

static void step(unsigned push)
{
    unsigned choice = (unsigned)aggr_rng_below(&rng, 16);
    if (choice < push)
        acquire();
    else if (choice < 13)
        release();
    else if (choice < 14)
        withdraw();
    else
        pump();
}

static void run(uint64_t seed, struct limits with, int operations)
{
    aggr_rng_init(&rng, seed);
    limits = with;
    peak = 0;
    memset(passed, 0, sizeof passed);
    gate = aggr_gate_new(with.process, with.per_host);
    for (int c = 1; c < CLIENTS; c++)
        clients[c] = aggr_gate_client_new(with.client[c], with.client_per_host[c]);
    for (int i = 0; i < operations; i++)
        step(i / 2000 % 2 ? 4 : 9); /* fill up, then drain */
    reenter = false;
    for (int c = 1; c < CLIENTS; c++)
        aggr_gate_client_free(clients[c]); /* while some still wait */
    while (count(HOLDING, -1, -1) + count(WAITING, -1, -1)) {
        pump();
        release();
        withdraw();
    }
    compare();
    aggr_gate_free(gate);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : aggr_rng_entropy();
    struct aggr_rng chance;
    aggr_rng_init(&chance, seed);
    enum { RUNS = 20 };
    for (int i = 0; i < RUNS; i++) { /* random limits on every floor */
        struct limits with = {
            (unsigned)aggr_rng_below(&chance, 12), (unsigned)aggr_rng_below(&chance, 6), {0}, {0}};
        for (int c = 1; c < CLIENTS; c++) {
            with.client[c] = (unsigned)aggr_rng_below(&chance, 5);
            with.client_per_host[c] = (unsigned)aggr_rng_below(&chance, 4);
        }
        reenter = i % 2;
        run(aggr_rng_next(&chance), with, OPERATIONS / RUNS);
    }
    worst_passed = 0;
    reenter = false;
    run(seed, (struct limits){6, 2, {0}, {0}}, OPERATIONS / 10); /* clients without limits */
    CHECK(worst_passed == 1);
    if (check_failed)
        fprintf(stderr, "seed %#llx, worst turn %u\n", (unsigned long long)seed, worst_passed);
    return check_report();
}
