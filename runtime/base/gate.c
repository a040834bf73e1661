#include "base/gate.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/table.h"
#include <limits.h>
#include <string.h>

/* Every queue that has waiters is in exactly one place: on the gate's `ready` list, with a claim to
 * one permit of its origin and one of its client, lacking at most a permit of the process; in the
 * line of the pool (its origin's or its client's) that had none left to claim; or, its own permits
 * being out, nowhere (SELF). Nothing is scanned: a pool calls from its line when a permit or a
 * claim comes back to it. Always, between calls,
 *
 *   a pool's claims are at most its free permits, and if they are fewer its line is empty,
 *
 * so a ready queue needs no second look, and no wake-up is lost. A queue called from one line may
 * have to join the other; newcomers, and queues just served, go to the end. */

enum waiter_state { IDLE, QUEUED, GRANTED };

enum place { NOWHERE, READY, ORIGIN, CLIENT, SELF };

struct pool {
    unsigned limit, in_use;
    unsigned claims;       /* of its queues are ready */
    struct aggr_list line; /* of its parked queues */
};

struct origin {
    struct aggr_table_node node; /* in gate.origins */
    struct pool pool;
    unsigned queues; /* that borrow this origin; freed with the last */
    size_t len;
    char name[];
};

struct aggr_gate_client {
    struct pool pool;
    unsigned per_host;
    unsigned refs; /* its owner and its queues */
};

/* Of one (client, origin); lives while it has waiters or permits. */
struct aggr_gate_queue {
    struct aggr_table_node node; /* in gate.queues */
    struct aggr_list place;      /* in ready or in a pool's line, see `at` */
    struct aggr_list waiters;
    struct origin *origin;
    struct aggr_gate_client *client; /* NULL = none */
    unsigned in_use;
    enum place at;
};

struct aggr_gate {
    struct aggr_table origins, queues;
    struct aggr_list ready;
    unsigned limit, per_host;
    struct aggr_gate_stats stats;
    bool pumping;
};

static unsigned limit_of(unsigned wanted)
{
    return wanted ? wanted : UINT_MAX;
}

static void pool_init(struct pool *pool, unsigned limit)
{
    pool->limit = limit_of(limit);
    aggr_list_init(&pool->line);
}

void aggr_gate_limit(struct aggr_gate *gate, unsigned concurrency)
{
    gate->limit = limit_of(concurrency);
}

struct aggr_gate *aggr_gate_new(unsigned concurrency, unsigned per_host)
{
    struct aggr_gate *gate = aggr_mem_new(1, sizeof *gate);
    gate->limit = limit_of(concurrency);
    gate->per_host = per_host;
    aggr_list_init(&gate->ready);
    return gate;
}

void aggr_gate_free(struct aggr_gate *gate)
{
    if (!gate)
        return;
    AGGR_CHECK(gate->stats.in_use == 0 && gate->stats.waiting == 0);
    aggr_table_deinit(&gate->queues);
    aggr_table_deinit(&gate->origins);
    free(gate);
}

struct aggr_gate_client *aggr_gate_client_new(unsigned concurrency, unsigned per_host)
{
    struct aggr_gate_client *client = aggr_mem_new(1, sizeof *client);
    pool_init(&client->pool, concurrency);
    client->per_host = limit_of(per_host);
    client->refs = 1;
    return client;
}

void aggr_gate_client_free(struct aggr_gate_client *client)
{
    if (client && --client->refs == 0)
        free(client);
}

struct origin_key {
    const char *name;
    size_t len;
};

static bool origin_matches(const struct aggr_table_node *node, const void *key)
{
    const struct origin *origin = AGGR_LIST_ENTRY(node, const struct origin, node);
    const struct origin_key *wanted = key;
    return origin->len == wanted->len && memcmp(origin->name, wanted->name, wanted->len) == 0;
}

static struct origin *origin_get(struct aggr_gate *gate, const char *name)
{
    struct origin_key key = {name, strlen(name)};
    uint64_t hash = aggr_table_hash(key.name, key.len);
    struct aggr_table_node *node = aggr_table_find(&gate->origins, hash, origin_matches, &key);
    if (node)
        return AGGR_LIST_ENTRY(node, struct origin, node);
    struct origin *origin = aggr_mem_new(1, sizeof *origin + key.len + 1);
    pool_init(&origin->pool, gate->per_host);
    origin->len = key.len;
    memcpy(origin->name, name, key.len);
    aggr_table_insert(&gate->origins, &origin->node, hash);
    return origin;
}

struct queue_key {
    const struct origin *origin;
    const struct aggr_gate_client *client;
};

static bool queue_matches(const struct aggr_table_node *node, const void *key)
{
    const struct aggr_gate_queue *queue = AGGR_LIST_ENTRY(node, const struct aggr_gate_queue, node);
    const struct queue_key *wanted = key;
    return queue->origin == wanted->origin && queue->client == wanted->client;
}

static struct aggr_gate_queue *queue_get(struct aggr_gate *gate, struct aggr_gate_client *client,
                                         const char *origin_name)
{
    struct queue_key key = {origin_get(gate, origin_name), client};
    uint64_t hash = aggr_table_hash(&key, sizeof key);
    struct aggr_table_node *node = aggr_table_find(&gate->queues, hash, queue_matches, &key);
    if (node)
        return AGGR_LIST_ENTRY(node, struct aggr_gate_queue, node);
    struct aggr_gate_queue *queue = aggr_mem_new(1, sizeof *queue);
    queue->origin = AGGR_LIST_ENTRY(&key.origin->node, struct origin, node);
    queue->origin->queues++;
    queue->client = client;
    if (client)
        client->refs++;
    aggr_list_init(&queue->place);
    aggr_list_init(&queue->waiters);
    aggr_table_insert(&gate->queues, &queue->node, hash);
    return queue;
}

/* Free `queue`, and its origin and client with it, when neither waiter nor permit keeps it. */
static void queue_put(struct aggr_gate *gate, struct aggr_gate_queue *queue)
{
    if (queue->in_use || !aggr_list_empty(&queue->waiters))
        return;
    struct origin *origin = queue->origin;
    aggr_table_remove(&gate->queues, &queue->node);
    aggr_gate_client_free(queue->client);
    free(queue);
    if (--origin->queues == 0) {
        aggr_table_remove(&gate->origins, &origin->node);
        free(origin);
    }
}

static bool claimable(const struct pool *pool)
{
    return pool->claims < pool->limit - pool->in_use;
}

static void place(struct aggr_gate *gate, struct aggr_gate_queue *queue, enum place at)
{
    queue->at = at;
    if (at == ORIGIN) {
        aggr_list_push(&queue->origin->pool.line, &queue->place);
    } else if (at == CLIENT) {
        AGGR_CHECK(queue->client);
        aggr_list_push(&queue->client->pool.line, &queue->place);
    } else if (at == READY) {
        aggr_list_push(&gate->ready, &queue->place);
        queue->origin->pool.claims++;
        if (queue->client)
            queue->client->pool.claims++;
    }
}

static void displace(struct aggr_gate_queue *queue)
{
    aggr_list_remove(&queue->place);
    if (queue->at == READY) {
        queue->origin->pool.claims--;
        if (queue->client)
            queue->client->pool.claims--;
    }
    queue->at = NOWHERE;
}

/* Where a queue with waiters belongs. One that was not `called` from a line goes to its end. */
static enum place place_for(const struct aggr_gate_queue *queue, bool called)
{
    const struct pool *origin = &queue->origin->pool;
    const struct pool *client = queue->client ? &queue->client->pool : NULL;
    if (!claimable(origin) || (!called && !aggr_list_empty(&origin->line)))
        return ORIGIN;
    if (client && (!claimable(client) || (!called && !aggr_list_empty(&client->line))))
        return CLIENT;
    if (client && queue->in_use >= queue->client->per_host)
        return SELF;
    return READY;
}

static void call(struct aggr_gate *gate, struct pool *pool)
{
    while (claimable(pool) && !aggr_list_empty(&pool->line)) {
        struct aggr_gate_queue *queue =
            AGGR_LIST_ENTRY(pool->line.next, struct aggr_gate_queue, place);
        displace(queue);
        place(gate, queue, place_for(queue, true)); /* ready, or the line of the other pool */
    }
}

static void call_next(struct aggr_gate *gate, struct aggr_gate_queue *queue)
{
    call(gate, &queue->origin->pool);
    if (queue->client)
        call(gate, &queue->client->pool);
}

void aggr_gate_acquire(struct aggr_gate *gate, struct aggr_gate_client *client, const char *origin,
                       struct aggr_waiter *waiter)
{
    AGGR_CHECK(waiter->state == IDLE);
    struct aggr_gate_queue *queue = queue_get(gate, client, origin);
    waiter->state = QUEUED;
    waiter->queue = queue;
    aggr_list_push(&queue->waiters, &waiter->link);
    gate->stats.waiting++;
    if (queue->at == NOWHERE)
        place(gate, queue, place_for(queue, false));
}

/* The first ready queue's claims become permits of its first waiter. */
static struct aggr_waiter *grant_next(struct aggr_gate *gate)
{
    struct aggr_gate_queue *queue =
        AGGR_LIST_ENTRY(gate->ready.next, struct aggr_gate_queue, place);
    struct aggr_waiter *waiter =
        AGGR_LIST_ENTRY(aggr_list_shift(&queue->waiters), struct aggr_waiter, link);
    waiter->state = GRANTED;
    displace(queue);
    queue->in_use++;
    queue->origin->pool.in_use++;
    if (queue->client)
        queue->client->pool.in_use++;
    gate->stats.waiting--;
    if (++gate->stats.in_use > gate->stats.peak)
        gate->stats.peak = gate->stats.in_use;
    if (!aggr_list_empty(&queue->waiters))
        place(gate, queue, place_for(queue, false));
    return waiter;
}

size_t aggr_gate_pump(struct aggr_gate *gate)
{
    if (gate->pumping)
        return 0;
    gate->pumping = true;
    size_t granted = 0;
    while (gate->stats.in_use < gate->limit && !aggr_list_empty(&gate->ready)) {
        struct aggr_waiter *waiter = grant_next(gate);
        granted++;
        waiter->on_granted(waiter);
    }
    gate->pumping = false;
    return granted;
}

void aggr_gate_release(struct aggr_gate *gate, struct aggr_waiter *waiter)
{
    AGGR_CHECK(waiter->state == GRANTED);
    struct aggr_gate_queue *queue = waiter->queue;
    waiter->state = IDLE;
    waiter->queue = NULL;
    gate->stats.in_use--;
    queue->in_use--;
    queue->origin->pool.in_use--;
    if (queue->client)
        queue->client->pool.in_use--;
    call_next(gate, queue);
    if (queue->at == SELF)
        place(gate, queue, place_for(queue, false));
    queue_put(gate, queue);
}

void aggr_gate_withdraw(struct aggr_gate *gate, struct aggr_waiter *waiter)
{
    if (waiter->state == IDLE)
        return;
    AGGR_CHECK(waiter->state == QUEUED);
    struct aggr_gate_queue *queue = waiter->queue;
    waiter->state = IDLE;
    waiter->queue = NULL;
    aggr_list_remove(&waiter->link);
    gate->stats.waiting--;
    if (aggr_list_empty(&queue->waiters)) {
        displace(queue);
        call_next(gate, queue);
        queue_put(gate, queue);
    }
}

bool aggr_waiter_granted(const struct aggr_waiter *waiter)
{
    return waiter->state == GRANTED;
}

struct aggr_gate_stats aggr_gate_stats(const struct aggr_gate *gate)
{
    struct aggr_gate_stats stats = gate->stats;
    stats.origins = (unsigned)gate->origins.len;
    return stats;
}
