/* Offload threads and name look-ups: answers shared and remembered, hung ones abandoned without
 * anybody waiting for them (facts 1). */
#include "io/lookup.h"
#include "check.h"
#include "virtual.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int asked, hanging;
static sem_t gate; /* names that begin with "hang" wait here */

/* "fail..." is unknown, everything else is 192.0.2.<number of look-ups so far>. */
static int resolve(const char *name, const char *service, const struct addrinfo *hints,
                   struct addrinfo **found)
{
    char address[32];
    (void)service;
    int count = ++asked;
    if (strncmp(name, "hang", 4) == 0) {
        hanging++;
        sem_wait(&gate);
        hanging--;
    }
    if (strncmp(name, "fail", 4) == 0)
        return EAI_NONAME;
    if (strncmp(name, "same", 4) == 0)
        count = 7;
    struct addrinfo numeric = *hints;
    numeric.ai_flags = AI_NUMERICHOST;
    snprintf(address, sizeof address, "192.0.2.%d", count);
    return getaddrinfo(address, NULL, &numeric, found);
}

struct world {
    struct virtual_clock clock;
    struct aggr_loop loop;
    struct aggr_offload *offload;
    struct aggr_lookup *lookup;
};

static void open_world(struct world *world)
{
    world->clock = virtual_clock_at(AGGR_NS_PER_S);
    CHECK(aggr_loop_init(&world->loop, &world->clock.clock) == AGGR_OK);
    CHECK(aggr_offload_new(&world->loop, NULL, &world->offload) == AGGR_OK);
    world->lookup = aggr_lookup_new(&world->loop, world->offload, resolve);
    asked = 0;
}

static void close_world(struct world *world)
{
    aggr_lookup_free(world->lookup);
    aggr_offload_free(world->offload);
    CHECK(aggr_loop_deinit(&world->loop) == 0);
}

/* Lets everybody through and leaves the gate shut: a pass that is left over would open it for the
 * next test. */
static void clear_gate(void)
{
    int passes = 0;
    while (hanging > 0) {
        if (sem_getvalue(&gate, &passes) == 0 && passes == 0)
            sem_post(&gate);
        sched_yield();
    }
    while (sem_trywait(&gate) == 0)
        continue;
}

struct question {
    struct aggr_query query;
    char addresses[64];
    const char *why;
    uint64_t id;
    int answers;
};

static void note(struct question *question, const struct aggr_answer *answer)
{
    question->answers++;
    question->id = answer->id;
    question->why = answer->why;
    snprintf(question->addresses, sizeof question->addresses, "%s",
             answer->addresses ? answer->addresses : "");
}

static void on_answer(struct aggr_query *query, struct aggr_answer *answer)
{
    note((struct question *)query, answer);
}

/* True when the answer was there at once. */
static bool ask(struct world *world, struct question *question, const char *host)
{
    *question = (struct question){.query.on_answer = on_answer};
    struct aggr_answer *answer = aggr_lookup_start(world->lookup, host, &question->query);
    if (answer)
        note(question, answer);
    return answer != NULL;
}

static void settle(struct world *world)
{
    while (world->loop.in_flight > 0)
        aggr_loop_turn(&world->loop, true);
}

static void one_lookup_serves_all_who_ask(void)
{
    struct world world;
    struct question questions[20], late;
    open_world(&world);
    for (int i = 0; i < 20; i++)
        CHECK(!ask(&world, &questions[i], "api.test"));
    CHECK(world.loop.in_flight == 1);
    settle(&world);
    CHECK(asked == 1);
    for (int i = 0; i < 20; i++) {
        CHECK(questions[i].answers == 1);
        CHECK_STR(questions[i].addresses, "192.0.2.1");
    }
    CHECK(ask(&world, &late, "api.test"));
    CHECK(late.id == questions[0].id);
    close_world(&world);
}

static void answers_live_30_s_and_failures_2_s(void)
{
    struct world world;
    struct question first, again, failed;
    open_world(&world);
    CHECK(!ask(&world, &first, "api.test"));
    CHECK(!ask(&world, &failed, "fail.test"));
    settle(&world);
    CHECK(asked == 2);
    CHECK(failed.answers == 1 && failed.why != NULL && failed.addresses[0] == '\0');
    world.clock.now_ns += 1999 * AGGR_NS_PER_MS;
    CHECK(ask(&world, &again, "fail.test"));
    world.clock.now_ns += 1 * AGGR_NS_PER_MS;
    CHECK(!ask(&world, &again, "fail.test"));
    settle(&world);
    CHECK(asked == 3);
    world.clock.now_ns += 28 * AGGR_NS_PER_S - 1;
    CHECK(ask(&world, &again, "api.test"));
    world.clock.now_ns += 1;
    CHECK(!ask(&world, &again, "api.test"));
    settle(&world);
    CHECK_STR(again.addresses, "192.0.2.4");
    CHECK(again.id != first.id);
    close_world(&world);
}

static void the_same_addresses_keep_their_id(void)
{
    struct world world;
    struct question first, again;
    open_world(&world);
    CHECK(!ask(&world, &first, "same.test"));
    settle(&world);
    world.clock.now_ns += 31 * AGGR_NS_PER_S;
    CHECK(!ask(&world, &again, "same.test"));
    settle(&world);
    CHECK(asked == 2 && again.id == first.id);
    close_world(&world);
}

static void a_cancelled_query_hears_nothing(void)
{
    struct world world;
    struct question one, other, next;
    open_world(&world);
    CHECK(!ask(&world, &one, "hang.test"));
    CHECK(!ask(&world, &other, "hang.test"));
    aggr_lookup_cancel(&one.query);
    CHECK(world.loop.in_flight == 1);
    sem_post(&gate);
    settle(&world);
    CHECK(one.answers == 0 && other.answers == 1);
    CHECK(!ask(&world, &one, "hang.again"));
    aggr_lookup_cancel(&one.query);
    aggr_lookup_cancel(&one.query); /* idempotent */
    CHECK(world.loop.in_flight == 0);
    CHECK(!ask(&world, &next, "api.test"));
    settle(&world);
    CHECK(next.answers == 1 && one.answers == 0);
    close_world(&world);
    clear_gate();
}

/* 64 look-ups hang, the 65th waits; when one of them is given up it goes ahead. */
static void abandoned_lookups_make_room(void)
{
    enum { WORKING_MAX = 64 };
    struct world world;
    struct question hung[WORKING_MAX], healthy;
    char host[32];
    open_world(&world);
    for (int i = 0; i < WORKING_MAX; i++) {
        snprintf(host, sizeof host, "hang%d.test", i);
        CHECK(!ask(&world, &hung[i], host));
    }
    while (asked < WORKING_MAX)
        sched_yield();
    CHECK(!ask(&world, &healthy, "api.test"));
    CHECK(asked == WORKING_MAX);
    aggr_lookup_cancel(&hung[9].query);
    while (healthy.answers == 0)
        aggr_loop_turn(&world.loop, true);
    for (int i = 0; i < WORKING_MAX; i++)
        aggr_lookup_cancel(&hung[i].query);
    CHECK(world.loop.in_flight == 0);
    close_world(&world); /* while all of them still hang */
    clear_gate();
}

/* Those that hang stop counting after a while, although their callers still wait. */
static void slow_lookups_starve_nobody(void)
{
    enum { HUNG = 200 };
    static struct question hung[HUNG];
    struct world world;
    struct question healthy;
    char host[32];
    open_world(&world);
    for (int i = 0; i < HUNG; i++) {
        snprintf(host, sizeof host, "hang%d.test", i);
        CHECK(!ask(&world, &hung[i], host));
    }
    CHECK(!ask(&world, &healthy, "api.test"));
    while (healthy.answers == 0)
        aggr_loop_turn(&world.loop, true);
    for (int i = 0; i < HUNG; i++)
        sem_post(&gate);
    settle(&world);
    for (int i = 0; i < HUNG; i++)
        CHECK(hung[i].answers == 1);
    close_world(&world);
}

static void a_queued_lookup_that_is_cancelled_never_runs(void)
{
    struct world world;
    struct question hung[64], queued[64], healthy;
    char host[32];
    open_world(&world);
    for (int i = 0; i < 64; i++) {
        snprintf(host, sizeof host, "hang%d.test", i);
        ask(&world, &hung[i], host);
    }
    while (asked < 64)
        sched_yield();
    for (int i = 0; i < 64; i++) {
        snprintf(host, sizeof host, "queued%d.test", i);
        ask(&world, &queued[i], host);
    }
    for (int i = 0; i < 64; i++)
        aggr_lookup_cancel(&queued[i * 37 % 64].query);
    for (int i = 0; i < 64; i++)
        sem_post(&gate);
    settle(&world);
    CHECK(asked == 64);
    CHECK(!ask(&world, &healthy, "api.test"));
    settle(&world);
    CHECK(asked == 65);
    close_world(&world);
}

int main(void)
{
    sem_init(&gate, 0, 0);
    alarm(60);
    one_lookup_serves_all_who_ask();
    answers_live_30_s_and_failures_2_s();
    the_same_addresses_keep_their_id();
    a_cancelled_query_hears_nothing();
    abandoned_lookups_make_room();
    slow_lookups_starve_nobody();
    a_queued_lookup_that_is_cancelled_never_runs();
    return check_report();
}
