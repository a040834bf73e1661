#include "io/http1_pool.h"
#include "base/mem.h"
#include <string.h>

/* UNSURE_MS: a connection idle for longer is looked at before it is used. */
enum { IDLE_S = 60, UNSURE_MS = 1000 };

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
static uint64_t due_ms(const struct aggr_http1_connection *connection)
{
    uint64_t keep_ms = IDLE_S * 1000ull;
    unsigned keep_s = connection->keep_s;
    if (keep_s > 0 && keep_s < IDLE_S)
        keep_ms = keep_s > 1 ? (keep_s - 1) * 1000u : 500;
    return connection->idle_since_ms + keep_ms;
}

static void set_timer(struct aggr_http1_pool *pool, uint64_t due);

static void on_timer(uv_timer_t *timer)
{
    struct aggr_http1_pool *pool = timer->data;
    uint64_t now_ms = uv_now(timer->loop), first = UINT64_MAX;
    struct aggr_list *next;
    for (struct aggr_list *link = pool->by_age.next; link != &pool->by_age; link = next) {
        next = link->next;
        struct aggr_http1_connection *connection =
            AGGR_LIST_ENTRY(link, struct aggr_http1_connection, by_age);
        uint64_t due = due_ms(connection);
        if (due <= now_ms)
            aggr_http1_pool_drop(connection);
        else if (due < first)
            first = due;
    }
    if (first != UINT64_MAX)
        set_timer(pool, first);
}

/* It may fire early, and is set again then. */
static void set_timer(struct aggr_http1_pool *pool, uint64_t due)
{
    uint64_t now_ms = uv_now(&pool->loop->uv);
    if (uv_is_active((uv_handle_t *)pool->timer) &&
        now_ms + uv_timer_get_due_in(pool->timer) <= due)
        return;
    uv_timer_start(pool->timer, on_timer, due > now_ms ? due - now_ms : 0, 0);
}

void aggr_http1_pool_init(struct aggr_http1_pool *pool, struct aggr_loop *loop, unsigned max)
{
    *pool = (struct aggr_http1_pool){.loop = loop, .max = max};
    aggr_list_init(&pool->by_age);
    pool->timer = aggr_mem_new(1, sizeof *pool->timer);
    AGGR_CHECK(uv_timer_init(&loop->uv, pool->timer) == 0);
    pool->timer->data = pool;
}

static void on_timer_closed(uv_handle_t *timer)
{
    free(timer);
}

static bool drop_oldest(struct aggr_http1_pool *pool)
{
    if (aggr_list_empty(&pool->by_age))
        return false;
    aggr_http1_pool_drop(AGGR_LIST_ENTRY(pool->by_age.next, struct aggr_http1_connection, by_age));
    return true;
}

void aggr_http1_pool_deinit(struct aggr_http1_pool *pool)
{
    while (drop_oldest(pool))
        ;
    AGGR_CHECK(pool->open == 0);
    aggr_table_deinit(&pool->origins);
    uv_close((uv_handle_t *)pool->timer, on_timer_closed);
}

static bool is_stale(const struct aggr_http1_connection *connection, uint64_t now_ms, bool certain)
{
    if (due_ms(connection) <= now_ms)
        return true;
    if (!certain && now_ms - connection->idle_since_ms < UNSURE_MS)
        return false;
    return !connection->stream->ops->quiet(connection->stream);
}

/* Has it been kept by the server, too? */
static bool is_proven(const struct aggr_http1_connection *connection, uint64_t now_ms)
{
    return connection->served > 1 || connection->idle_since_ms < now_ms;
}

struct aggr_http1_connection *aggr_http1_pool_take(struct aggr_http1_pool *pool,
                                                   const struct aggr_exchange_request *request,
                                                   bool certain)
{
    uint64_t hash, now_ms = uv_now(&pool->loop->uv);
    struct aggr_http1_origin *origin = find(pool, request, &hash);
    if (!origin)
        return NULL;
    struct aggr_list *next;
    for (struct aggr_list *link = origin->idle.next; link != &origin->idle; link = next) {
        next = link->next;
        struct aggr_http1_connection *connection =
            AGGR_LIST_ENTRY(link, struct aggr_http1_connection, link);
        if (is_stale(connection, now_ms, certain)) {
            bool last = origin->connections == 1; /* the origin goes with it */
            aggr_http1_pool_drop(connection);
            if (last)
                return NULL;
        } else if (!certain || is_proven(connection, now_ms)) {
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
    connection->idle_since_ms = uv_now(&pool->loop->uv);
    aggr_list_push(connection->origin->idle.next, &connection->link); /* before the first */
    aggr_list_push(&pool->by_age, &connection->by_age);
    set_timer(pool, due_ms(connection));
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
