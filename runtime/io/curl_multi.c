#include "io/curl_multi.h"
#include "base/mem.h"
#include "io/curl_exchange.h"
#include "io/sockets.h"

/* SHARD_MAX: finding a connection scans all of its host's in the multi handle (facts 13).
 * IDLE_MAX: easy handles kept for reuse, 17 kB each. */
enum { SHARD_MAX = 48, CONNECTIONS_MAX = 64, IDLE_MAX = 1024, NUDGE_MS = 1 };

/* One multi handle. Shards are filled from the lowest, so that idle connections are used again. */
struct aggr_curl_shard {
    CURLM *multi;
    struct pool *pool;
    unsigned index, running;
    uv_timer_t timer;
    struct aggr_taught taught;
    int http2[CONNECTIONS_MAX]; /* sockets that HTTP/2 was heard from; old ones may stay */
    unsigned http2_len;
    unsigned http2_heard; /* by its exchanges */
    bool nudged;
};

/* Everything of one policy: connections are never shared between policies (facts 1). */
struct pool {
    struct curl_transport *transport;
    const struct aggr_policy *policy;
    struct aggr_curl_shard **shards; /* owned */
    unsigned len, lowest;            /* none below `lowest` has room */
    struct aggr_list idle;           /* exchanges, the last used first */
    unsigned idle_len;
};

struct curl_transport {
    struct aggr_transport base;
    struct aggr_loop *loop;
    struct pool **pools; /* owned, by policy id; NULL until used */
    unsigned len;
    struct aggr_sockets sockets;
    long connections_max; /* of one shard, idle ones included */
};

static void on_timer(uv_timer_t *timer);

static unsigned http2_known(const struct aggr_curl_shard *shard)
{
    return shard->http2_len < CONNECTIONS_MAX ? shard->http2_len : CONNECTIONS_MAX;
}

static void note_http2(struct aggr_curl_shard *shard, int fd)
{
    for (unsigned i = 0; i < http2_known(shard); i++) {
        if (shard->http2[i] == fd)
            return;
    }
    shard->http2[shard->http2_len++ % CONNECTIONS_MAX] = fd;
}

/* libcurl 7.88 may forget that it has read more of an HTTP/2 connection than its streams have taken
 * so far, until there is more to read: soon it is told so, and again while that helps. */
static void nudge(struct aggr_curl_shard *shard)
{
    if (shard->running == 0)
        return;
    shard->nudged = true;
    uv_timer_start(&shard->timer, on_timer, NUDGE_MS, 0);
}

/* Takes `exchange` off its multi handle; no callback of it comes any more. */
static void detach(struct aggr_exchange *exchange)
{
    struct aggr_curl_shard *shard = exchange->shard;
    struct pool *pool = shard->pool;
    curl_multi_remove_handle(shard->multi, exchange->easy);
    aggr_exchange_reset(exchange);
    exchange->shard = NULL;
    shard->running--;
    if (exchange->http2)
        nudge(shard);
    if (shard->index < pool->lowest)
        pool->lowest = shard->index;
    pool->transport->loop->in_flight--;
    if (pool->idle_len >= IDLE_MAX || exchange->retried) { /* of few retries some would be spent */
        aggr_exchange_free(exchange);
        return;
    }
    aggr_list_push(pool->idle.next, &exchange->link); /* before the first */
    pool->idle_len++;
}

static void finish(struct aggr_exchange *exchange, CURLcode code)
{
    struct aggr_sink *sink = exchange->sink;
    struct aggr_end end = {0};
    aggr_exchange_result(exchange, code, &end);
    detach(exchange);
    sink->ops->on_end(sink, &end);
}

/* Always, whatever the number of running handles (facts 5). True: something ended. */
static bool drain(struct aggr_curl_shard *shard)
{
    bool ended = false;
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(shard->multi, &left))) {
        struct aggr_exchange *exchange;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; /* the message goes with the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        finish(exchange, code);
        ended = true;
    }
    return ended;
}

static void on_socket_event(void *owner, int fd, int events, bool failed)
{
    struct aggr_curl_shard *shard = owner;
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    if (failed) /* with the error alone curl does not read it, and does not retry what it may */
        flags = CURL_CSELECT_IN | CURL_CSELECT_OUT | CURL_CSELECT_ERR;
    int running;
    unsigned heard = shard->http2_heard;
    curl_multi_socket_action(shard->multi, fd, flags, &running);
    drain(shard);
    if (shard->http2_heard == heard)
        return;
    note_http2(shard, fd);
    nudge(shard);
}

static void on_timer(uv_timer_t *timer)
{
    struct aggr_curl_shard *shard = timer->data;
    unsigned heard = shard->http2_heard;
    int running;
    for (unsigned i = 0; shard->nudged && i < http2_known(shard); i++)
        curl_multi_socket_action(shard->multi, shard->http2[i], CURL_CSELECT_IN, &running);
    shard->nudged = false;
    curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    if (drain(shard))
        aggr_loop_stir(shard->pool->transport->loop);
    if (shard->http2_heard != heard)
        nudge(shard);
}

static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *data, void *unused)
{
    struct aggr_curl_shard *shard = data;
    struct aggr_sockets *sockets = &shard->pool->transport->sockets;
    struct aggr_exchange *exchange = NULL;
    (void)unused;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&exchange);
    if (exchange && !exchange->connected)
        exchange->fd = what == CURL_POLL_REMOVE ? -1 : fd;
    if (what == CURL_POLL_REMOVE) {
        aggr_sockets_idle(sockets, fd);
        return 0;
    }
    int mask = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return aggr_sockets_watch(sockets, fd, mask, shard) == AGGR_OK ? 0 : -1;
}

/* 0 means the next turn, never a direct call (facts 6). */
static int on_timer_change(CURLM *multi, long timeout_ms, void *data)
{
    struct aggr_curl_shard *shard = data;
    (void)multi;
    if (shard->nudged && (timeout_ms < 0 || timeout_ms > NUDGE_MS))
        timeout_ms = NUDGE_MS;
    if (timeout_ms < 0)
        uv_timer_stop(&shard->timer);
    else
        uv_timer_start(&shard->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static curl_socket_t on_open(void *sockets, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    int fd = aggr_sockets_open(sockets, address->family, address->socktype, address->protocol);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *sockets, curl_socket_t fd)
{
    return aggr_sockets_close(sockets, fd);
}

static struct aggr_curl_shard *shard_new(struct pool *pool)
{
    CURLM *multi = curl_multi_init();
    if (!multi)
        return NULL;
    struct aggr_curl_shard *shard = aggr_mem_new(1, sizeof *shard);
    shard->multi = multi;
    shard->pool = pool;
    shard->index = pool->len;
    aggr_taught_init(&shard->taught);
    AGGR_CHECK(uv_timer_init(&pool->transport->loop->uv, &shard->timer) == 0);
    shard->timer.data = shard;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    /* The first keeps idle ones down, the second closes the oldest idle one before another is
     * opened. Nothing ever queues for it: a shard runs no more than that. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, pool->transport->connections_max);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, pool->transport->connections_max);
    return shard;
}

static void on_shard_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void shard_free(struct aggr_curl_shard *shard)
{
    AGGR_CHECK(shard->running == 0);
    curl_multi_cleanup(shard->multi);
    aggr_taught_deinit(&shard->taught);
    uv_close((uv_handle_t *)&shard->timer, on_shard_closed);
}

/* The lowest shard with room, a new one if there is none; NULL: out of memory. */
static struct aggr_curl_shard *shard_with_room(struct pool *pool)
{
    for (; pool->lowest < pool->len; pool->lowest++) {
        if (pool->shards[pool->lowest]->running < SHARD_MAX)
            return pool->shards[pool->lowest];
    }
    struct aggr_curl_shard **grown = realloc(pool->shards, (pool->len + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    pool->shards = grown;
    struct aggr_curl_shard *shard = shard_new(pool);
    if (shard)
        grown[pool->len++] = shard;
    return shard;
}

static struct pool *pool_for(struct curl_transport *transport, const struct aggr_policy *policy)
{
    if (policy->id >= transport->len) {
        unsigned len = policy->id + 8;
        struct pool **grown = aggr_mem_new(len, sizeof(struct pool *));
        for (unsigned i = 0; i < transport->len; i++)
            grown[i] = transport->pools[i];
        free(transport->pools);
        transport->pools = grown;
        transport->len = len;
    }
    struct pool **at = &transport->pools[policy->id];
    if (!*at) {
        *at = aggr_mem_new(1, sizeof **at);
        (*at)->transport = transport;
        (*at)->policy = policy;
        aggr_list_init(&(*at)->idle);
    }
    return *at;
}

static void pool_free(struct pool *pool)
{
    struct aggr_list *link;
    while ((link = aggr_list_shift(&pool->idle)))
        aggr_exchange_free(AGGR_LIST_ENTRY(link, struct aggr_exchange, link));
    for (unsigned i = 0; i < pool->len; i++)
        shard_free(pool->shards[i]);
    free(pool->shards);
    free(pool);
}

static struct aggr_exchange *exchange_get(struct pool *pool)
{
    struct aggr_list *link = aggr_list_shift(&pool->idle);
    if (!link)
        return aggr_exchange_new(pool->policy, on_open, on_close, &pool->transport->sockets);
    pool->idle_len--;
    return AGGR_LIST_ENTRY(link, struct aggr_exchange, link);
}

static struct aggr_exchange *start(struct aggr_transport *self,
                                   const struct aggr_exchange_request *request,
                                   struct aggr_sink *sink, struct aggr_failure *failure)
{
    struct curl_transport *transport = (struct curl_transport *)self;
    struct pool *pool = pool_for(transport, request->policy);
    struct aggr_curl_shard *shard = shard_with_room(pool);
    struct aggr_exchange *exchange = shard ? exchange_get(pool) : NULL;
    if (!exchange)
        goto fail;
    if (aggr_exchange_prepare(exchange, request, sink, &shard->taught, &shard->http2_heard))
        goto fail;
    if (curl_multi_add_handle(shard->multi, exchange->easy) != CURLM_OK)
        goto fail;
    exchange->shard = shard;
    shard->running++;
    transport->loop->in_flight++;
    return exchange;
fail:
    if (exchange)
        aggr_exchange_free(exchange);
    aggr_failure_set(failure, AGGR_ERR_MEMORY, AGGR_PHASE_CONNECT, "out of memory");
    return NULL;
}

static void pause_reading(struct aggr_exchange *exchange, bool on)
{
    curl_easy_pause(exchange->easy, on ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

static unsigned count_connections(struct aggr_transport *self)
{
    return ((struct curl_transport *)self)->sockets.open;
}

static void transport_free(struct aggr_transport *self)
{
    struct curl_transport *transport = (struct curl_transport *)self;
    for (unsigned i = 0; i < transport->len; i++) {
        if (transport->pools[i])
            pool_free(transport->pools[i]);
    }
    free(transport->pools);
    aggr_sockets_deinit(&transport->sockets);
    free(transport);
}

static const struct aggr_transport_ops transport_ops = {
    .name = "curl",
    .start = start,
    .cancel = detach,
    .pause = pause_reading,
    .phase = aggr_exchange_phase,
    .connections = count_connections,
    .free = transport_free,
    .looks_up = true,
};

static long connections_per_shard(unsigned in_flight_max, unsigned sockets_max)
{
    unsigned shards = (in_flight_max + SHARD_MAX - 1) / SHARD_MAX;
    unsigned running_max = in_flight_max < SHARD_MAX ? in_flight_max : SHARD_MAX;
    unsigned share = sockets_max / (shards ? shards : 1);
    if (sockets_max == 0 || share > CONNECTIONS_MAX)
        return CONNECTIONS_MAX;
    return share > running_max ? (long)share : (long)running_max;
}

struct aggr_transport *aggr_curl_new(struct aggr_loop *loop, unsigned in_flight_max,
                                     unsigned sockets_max, struct aggr_failure *failure)
{
    if (aggr_curl_api_load(failure))
        return NULL;
    struct curl_transport *transport = aggr_mem_new(1, sizeof *transport);
    transport->base.ops = &transport_ops;
    transport->loop = loop;
    transport->connections_max = connections_per_shard(in_flight_max, sockets_max);
    transport->sockets.loop = loop;
    transport->sockets.on_event = on_socket_event;
    return &transport->base;
}
