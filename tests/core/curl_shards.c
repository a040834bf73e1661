/* Multi handles: how many easy handles run on one, which of them is used next, what they hold open
 * and when it is given up. Nothing is sent anywhere. */
#include "io/curl_shards.h"
#include "base/mem.h"
#include "check.h"
#include "descriptors.h"
#include <stdlib.h>

enum { MANY = 2 * AGGR_CURL_SHARD_MAX + 4 };

static struct aggr_loop loop;
static struct aggr_policy_set *policies;
static struct aggr_curl_shards shards;
static struct aggr_curl_handle *running[MANY];

static struct aggr_curl_handle *make(struct aggr_curl_pool *pool)
{
    struct aggr_curl_handle *handle = aggr_mem_new(1, sizeof *handle);
    CHECK(aggr_curl_handle_init(handle, pool->policy, &pool->shards->sockets) == AGGR_OK);
    return handle;
}

static void handle_free(struct aggr_curl_handle *handle)
{
    aggr_curl_handle_deinit(handle);
    free(handle);
}

static void on_done(struct aggr_curl_handle *handle, CURLcode code)
{
    (void)handle, (void)code;
    CHECK(!"nothing is sent");
}

static const struct aggr_curl_shards_ops ops = {
    .shard_size = sizeof(struct aggr_curl_shard),
    .on_done = on_done,
    .make = make,
    .free = handle_free,
};

static void set_up(void)
{
    CHECK(aggr_loop_init(&loop, &aggr_clock_system) == AGGR_OK);
    policies = aggr_policy_set_new(NULL);
    shards = (struct aggr_curl_shards){0};
    aggr_curl_shards_init(&shards, &loop, &ops);
}

static void tear_down(void)
{
    aggr_curl_shards_deinit(&shards);
    CHECK(shards.count == 0);
    aggr_policy_set_free(policies);
    CHECK(aggr_loop_deinit(&loop) == 0);
}

static const struct aggr_policy *policy_named(const char *server_name)
{
    struct aggr_policy_options options = {.server_name = server_name, .proxy = ""};
    struct aggr_failure why = {0};
    const struct aggr_policy *policy = aggr_policy_intern(policies, &options, &why);
    CHECK(policy != NULL);
    return policy;
}

static struct aggr_curl_handle *run(const struct aggr_policy *policy)
{
    struct aggr_curl_shard *shard;
    struct aggr_curl_handle *handle = aggr_curl_shards_get(&shards, policy, &shard);
    CHECK(handle && shard);
    CHECK(aggr_curl_shards_add(shard, handle) == AGGR_OK);
    return handle;
}

static void at_most_48_run_on_one(void)
{
    set_up();
    const struct aggr_policy *policy = policy_named("a");
    for (int i = 0; i < MANY; i++)
        running[i] = run(policy);
    CHECK(AGGR_CURL_SHARD_MAX >= 32 && AGGR_CURL_SHARD_MAX <= 64);
    CHECK(shards.count == 3);
    unsigned counts[3] = {0};
    for (int i = 0; i < MANY; i++)
        counts[running[i]->shard->index]++;
    CHECK(counts[0] == AGGR_CURL_SHARD_MAX && counts[1] == AGGR_CURL_SHARD_MAX && counts[2] == 4);
    struct aggr_curl_shard *first = running[0]->shard;
    aggr_curl_shards_remove(running[0], true);
    running[0] = run(policy);
    CHECK(running[0]->shard == first); /* the lowest one with room */
    for (int i = 0; i < MANY; i++)
        aggr_curl_shards_remove(running[i], true);
    tear_down();
}

static void each_policy_has_its_own(void)
{
    set_up();
    struct aggr_curl_handle *a = run(policy_named("a")), *b = run(policy_named("b"));
    CHECK(a->shard != b->shard && a->shard->multi != b->shard->multi);
    aggr_curl_shards_remove(a, true);
    aggr_curl_shards_remove(b, true);
    tear_down();
}

static void empty_ones_are_given_up_when_asked_for(void)
{
    set_up();
    struct aggr_curl_handle *a = run(policy_named("a")), *b = run(policy_named("b"));
    size_t before = count_descriptors();
    unsigned own = aggr_curl_shards_descriptors(&shards);
    CHECK(own == 4 && !aggr_curl_shards_trim(&shards)); /* they are needed */
    aggr_curl_shards_remove(a, true);
    b->shard->acting = true;
    CHECK(aggr_curl_shards_trim(&shards) && !aggr_curl_shards_trim(&shards));
    CHECK(before - count_descriptors() == own - aggr_curl_shards_descriptors(&shards));
    struct aggr_curl_shard *shard = b->shard;
    aggr_curl_shards_remove(b, true);
    CHECK(!aggr_curl_shards_trim(&shards)); /* it is being worked on */
    shard->acting = false;
    CHECK(aggr_curl_shards_trim(&shards) && shards.count == 0);
    a = run(policy_named("a")); /* and made again */
    CHECK(shards.count == 1);
    aggr_curl_shards_remove(a, true);
    tear_down();
}

int main(void)
{
    struct aggr_failure why = {0};
    CHECK(aggr_curl_api_load(&why) == AGGR_OK);
    at_most_48_run_on_one();
    each_policy_has_its_own();
    empty_ones_are_given_up_when_asked_for();
    return check_report();
}
