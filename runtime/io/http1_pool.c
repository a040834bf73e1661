#include "io/http1_pool.h"
#include "base/mem.h"
#include <string.h>

/* UNSURE_MS: a connection idle for as long is looked at before it is used, since a busy script
 * keeps the loop from telling what has come. It is more than what a turn takes with a thousand
 * requests in flight, each of which would pay for a look. PROVEN_MS: one that its server does not
 * keep has been closed by then. */
enum { IDLE_S = 60, UNSURE_MS = 20, PROVEN_MS = 1 };

struct aggr_http1_origin {
    struct aggr_table_node node;
    struct aggr_list idle; /* connections, the last used first */
    unsigned connections;  /* in all */
    const struct aggr_policy *policy;
    char text[]; /* "http://host:port" */
};

struct key {
    const struct aggr_policy *policy;
    const char *origin;
};

static bool matches(const struct aggr_table_node *node, const void *wanted)
{
    const struct aggr_http1_origin *origin = AGGR_LIST_ENTRY(node, struct aggr_http1_origin, node);
    const struct key *key = wanted;
    return origin->policy == key->policy && strcmp(origin->text, key->origin) == 0;
}

static struct aggr_http1_origin *find(struct aggr_http1_pool *pool,
                                      const struct aggr_exchange_request *request, uint64_t *hash)
{
    const char *text = request->url->origin;
    struct key key = {request->policy, text};
    *hash = aggr_table_hash(text, strlen(text)) + request->policy->id;
    struct aggr_table_node *node = aggr_table_find(&pool->origins, *hash, matches, &key);
    return node ? AGGR_LIST_ENTRY(node, struct aggr_http1_origin, node) : NULL;
}

static struct aggr_http1_origin *find_or_make(struct aggr_http1_pool *pool,
                                              const struct aggr_exchange_request *request)
{
    uint64_t hash;
    struct aggr_http1_origin *origin = find(pool, request, &hash);
    if (origin)
        return origin;
    size_t len = strlen(request->url->origin) + 1;
    origin = aggr_mem_new(1, sizeof *origin + len);
    origin->policy = request->policy;
    aggr_list_init(&origin->idle);
    memcpy(origin->text, request->url->origin, len);
    aggr_table_insert(&pool->origins, &origin->node, hash);
    return origin;
}

/* Servers close at their own time-out, so what they have said is too late by the way there. */
static uint64_t due_of(const struct aggr_http1_connection *connection)
{
    uint64_t keep_ns = IDLE_S * AGGR_NS_PER_S;
    unsigned keep_s = connection->keep_s;
    if (keep_s > 0 && keep_s < IDLE_S)
        keep_ns = keep_s > 1 ? (keep_s - 1) * AGGR_NS_PER_S : AGGR_NS_PER_S / 2;
    return connection->idle_since_ns + keep_ns;
}

static void on_due(struct aggr_timer *timer)
{
    struct aggr_http1_pool *pool = AGGR_LIST_ENTRY(timer, struct aggr_http1_pool, timer);
    uint64_t now_ns = aggr_loop_now(pool->loop), first_ns = AGGR_NEVER;
    struct aggr_list *next;
    for (struct aggr_list *link = pool->by_age.next; link != &pool->by_age; link = next) {
        next = link->next;
        struct aggr_http1_connection *connection =
            AGGR_LIST_ENTRY(link, struct aggr_http1_connection, by_age);
        uint64_t due_ns = due_of(connection);
        if (due_ns <= now_ns)
            aggr_http1_pool_drop(connection);
        else if (due_ns < first_ns)
            first_ns = due_ns;
    }
    aggr_timer_start(&pool->loop->timers, timer, first_ns);
}

/* It may fire early, and is set again then. */
static void arm(struct aggr_http1_pool *pool, uint64_t due_ns)
{
    if (!aggr_timer_active(&pool->timer) || due_ns < pool->timer.due_ns)
        aggr_timer_start(&pool->loop->timers, &pool->timer, due_ns);
}

void aggr_http1_pool_init(struct aggr_http1_pool *pool, struct aggr_loop *loop, unsigned max)
{
    *pool = (struct aggr_http1_pool){.loop = loop, .max = max};
    aggr_list_init(&pool->by_age);
    pool->timer =
        (struct aggr_timer){.rank = AGGR_TIMER_PLAIN, .background = true, .on_due = on_due};
}

static bool drop_oldest(struct aggr_http1_pool *pool)
{
    if (aggr_list_empty(&pool->by_age))
        return false;
    aggr_http1_pool_drop(AGGR_LIST_ENTRY(pool->by_age.next, struct aggr_http1_connection, by_age));
    return true;
}

void aggr_http1_pool_limit(struct aggr_http1_pool *pool, unsigned max)
{
    pool->max = max;
    while (max > 0 && pool->open > max && drop_oldest(pool))
        ;
}

void aggr_http1_pool_deinit(struct aggr_http1_pool *pool)
{
    while (drop_oldest(pool))
        ;
    AGGR_CHECK(pool->open == 0);
    aggr_table_deinit(&pool->origins);
    aggr_timer_stop(&pool->loop->timers, &pool->timer);
}

static bool is_stale(const struct aggr_http1_connection *connection, uint64_t now_ns, bool certain)
{
    if (due_of(connection) <= now_ns)
        return true;
    if (!certain && now_ns - connection->idle_since_ns < UNSURE_MS * AGGR_NS_PER_MS)
        return false;
    return !connection->stream->ops->quiet(connection->stream);
}

/* Has it been kept by the server, too? */
static bool is_proven(const struct aggr_http1_connection *connection, uint64_t now_ns)
{
    return connection->served > 1 ||
           now_ns - connection->idle_since_ns >= PROVEN_MS * AGGR_NS_PER_MS;
}

struct aggr_http1_connection *aggr_http1_pool_take(struct aggr_http1_pool *pool,
                                                   const struct aggr_exchange_request *request,
                                                   bool certain)
{
    uint64_t hash;
    struct aggr_http1_origin *origin = find(pool, request, &hash);
    if (!origin)
        return NULL;
    uint64_t now_ns = aggr_loop_instant(pool->loop);
    struct aggr_list *next;
    for (struct aggr_list *link = origin->idle.next; link != &origin->idle; link = next) {
        next = link->next;
        struct aggr_http1_connection *connection =
            AGGR_LIST_ENTRY(link, struct aggr_http1_connection, link);
        if (is_stale(connection, now_ns, certain)) {
            bool last = origin->connections == 1; /* the origin goes with it */
            aggr_http1_pool_drop(connection);
            if (last)
                return NULL;
        } else if (!certain || is_proven(connection, now_ns)) {
            aggr_list_remove(&connection->link);
            aggr_list_remove(&connection->by_age);
            return connection;
        }
    }
    return NULL;
}

struct aggr_http1_connection *aggr_http1_pool_add(struct aggr_http1_pool *pool,
                                                  const struct aggr_exchange_request *request)
{
    while (pool->max > 0 && pool->open >= pool->max && drop_oldest(pool))
        ;
    struct aggr_http1_connection *connection = aggr_mem_new(1, sizeof *connection);
    connection->pool = pool;
    connection->origin = find_or_make(pool, request);
    connection->origin->connections++;
    aggr_list_init(&connection->link);
    aggr_list_init(&connection->by_age);
    pool->open++;
    return connection;
}

void aggr_http1_pool_keep(struct aggr_http1_connection *connection)
{
    struct aggr_http1_pool *pool = connection->pool;
    connection->exchange = NULL;
    connection->served++;
    connection->idle_since_ns = aggr_loop_instant(pool->loop);
    aggr_list_push(connection->origin->idle.next, &connection->link); /* before the first */
    aggr_list_push(&pool->by_age, &connection->by_age);
    arm(pool, due_of(connection));
}

void aggr_http1_pool_drop(struct aggr_http1_connection *connection)
{
    struct aggr_http1_pool *pool = connection->pool;
    struct aggr_http1_origin *origin = connection->origin;
    aggr_list_remove(&connection->link);
    aggr_list_remove(&connection->by_age);
    if (connection->stream)
        connection->stream->ops->close(connection->stream);
    free(connection);
    pool->open--;
    if (--origin->connections == 0) {
        aggr_table_remove(&pool->origins, &origin->node);
        free(origin);
    }
}
