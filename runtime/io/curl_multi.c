#include "io/curl_multi.h"
#include "base/mem.h"
#include "io/curl_exchange.h"

enum { CONNECTIONS_MAX = 64 };

/* Soon, in ns. */
#define NUDGE_NS AGGR_NS_PER_MS

struct http_shard {
    struct aggr_curl_shard base;
    int http2[CONNECTIONS_MAX]; /* sockets that HTTP/2 was heard from; old ones may stay */
    unsigned http2_len;
    unsigned http2_heard; /* by its exchanges */
    unsigned http2_seen;  /* of that, by us */
    struct aggr_timer nudge;
};

struct curl_transport {
    struct aggr_transport base;
    struct aggr_curl_shards shards;
    unsigned idle_max; /* connections that are kept for reuse; 0 = any number */
};

static struct curl_transport *transport_of(const struct aggr_curl_shard *shard)
{
    return AGGR_LIST_ENTRY(shard->pool->shards, struct curl_transport, shards);
}

static unsigned http2_known(const struct http_shard *shard)
{
    return shard->http2_len < CONNECTIONS_MAX ? shard->http2_len : CONNECTIONS_MAX;
}

static void note_http2(struct http_shard *shard, int fd)
{
    for (unsigned i = 0; i < http2_known(shard); i++) {
        if (shard->http2[i] == fd)
            return;
    }
    shard->http2[shard->http2_len++ % CONNECTIONS_MAX] = fd;
}

/* libcurl 7.88 may forget that it has read more of an HTTP/2 connection than its streams have taken
 * so far, until there is more to read: soon it is told so, and again while that helps. */
static void nudge(struct http_shard *shard)
{
    struct aggr_loop *loop = shard->base.pool->shards->loop;
    if (shard->base.running > 0)
        aggr_timer_start(&loop->timers, &shard->nudge, aggr_loop_now(loop) + NUDGE_NS);
}

static void on_nudge(struct aggr_timer *timer)
{
    struct http_shard *shard = AGGR_LIST_ENTRY(timer, struct http_shard, nudge);
    for (unsigned i = 0; i < http2_known(shard); i++)
        aggr_curl_shards_look(&shard->base, shard->http2[i]);
}

static void on_acted(struct aggr_curl_shard *self, int fd)
{
    struct http_shard *shard = (struct http_shard *)self;
    if (shard->http2_heard == shard->http2_seen)
        return;
    shard->http2_seen = shard->http2_heard;
    if (fd >= 0)
        note_http2(shard, fd);
    nudge(shard);
}

/* The first option keeps idle connections down, the second closes the oldest idle one before
 * another is opened. Nothing ever queues for it: no more run than that. */
static void limit_connections(struct aggr_curl_shard *shard)
{
    struct curl_transport *transport = transport_of(shard);
    unsigned max = shard->running + transport->idle_max / transport->shards.count;
    if (transport->idle_max == 0 || max > CONNECTIONS_MAX)
        max = CONNECTIONS_MAX;
    curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, (long)max);
    curl_multi_setopt(shard->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max);
}

static void on_begin(struct aggr_curl_shard *self)
{
    struct http_shard *shard = (struct http_shard *)self;
    shard->nudge.rank = AGGR_TIMER_PLAIN;
    shard->nudge.on_due = on_nudge;
    curl_multi_setopt(self->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
}

static void on_end(struct aggr_curl_shard *self)
{
    aggr_timer_stop(&self->pool->shards->loop->timers, &((struct http_shard *)self)->nudge);
}

/* Takes `exchange` off its multi handle; no callback of it comes any more. */
static void detach(struct aggr_exchange *exchange)
{
    struct aggr_curl_shard *shard = exchange->handle.shard;
    bool http2 = exchange->http2;
    bool retried = exchange->retried; /* of few retries some are spent */
    shard->pool->shards->loop->in_flight--;
    aggr_exchange_reset(exchange);
    aggr_curl_shards_remove(&exchange->handle, !retried);
    limit_connections(shard);
    if (http2)
        nudge((struct http_shard *)shard);
}

/* libcurl 7.88 takes bytes behind an answer for the next one's when they come by another read than
 * the answer's end: to see that a connection is not fit for use, it has to be at its end. */
static void seal(struct aggr_curl_handle *handle)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(handle->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd != CURL_SOCKET_BAD)
        aggr_sockets_seal(&handle->shard->pool->shards->sockets, fd);
}

static void on_done(struct aggr_curl_handle *handle, CURLcode code)
{
    struct aggr_exchange *exchange = AGGR_LIST_ENTRY(handle, struct aggr_exchange, handle);
    struct aggr_sink *sink = exchange->sink;
    struct aggr_end end = {0};
    aggr_exchange_result(exchange, code, &end);
    if (code == CURLE_OK && !exchange->http2)
        seal(handle);
    detach(exchange);
    sink->ops->on_end(sink, &end);
}

static struct aggr_curl_handle *make(struct aggr_curl_pool *pool)
{
    struct aggr_exchange *exchange = aggr_exchange_new(pool->policy, &pool->shards->sockets);
    return exchange ? &exchange->handle : NULL;
}

static void handle_free(struct aggr_curl_handle *handle)
{
    aggr_exchange_free(AGGR_LIST_ENTRY(handle, struct aggr_exchange, handle));
}

static const struct aggr_curl_shards_ops shards_ops = {
    .shard_size = sizeof(struct http_shard),
    .on_begin = on_begin,
    .on_end = on_end,
    .on_acted = on_acted,
    .on_done = on_done,
    .make = make,
    .free = handle_free,
};

static struct aggr_exchange *start(struct aggr_transport *self,
                                   const struct aggr_exchange_request *request,
                                   struct aggr_sink *sink, struct aggr_failure *failure)
{
    struct curl_transport *transport = (struct curl_transport *)self;
    struct aggr_curl_shard *shard;
    struct aggr_curl_handle *handle =
        aggr_curl_shards_get(&transport->shards, request->policy, &shard);
    struct aggr_exchange *exchange =
        handle ? AGGR_LIST_ENTRY(handle, struct aggr_exchange, handle) : NULL;
    if (!exchange)
        goto fail;
    if (aggr_exchange_prepare(exchange, request, sink, &shard->taught,
                              &((struct http_shard *)shard)->http2_heard))
        goto fail;
    if (aggr_curl_shards_add(shard, handle))
        goto fail;
    limit_connections(shard);
    transport->shards.loop->in_flight++;
    return exchange;
fail:
    if (exchange)
        aggr_exchange_free(exchange);
    aggr_failure_set(failure, AGGR_ERR_MEMORY, AGGR_PHASE_CONNECT, "out of memory");
    return NULL;
}

/* libcurl 7.88 reads nothing more of an HTTP/2 connection while it holds bytes of a stream that is
 * paused, and loses heads meanwhile. */
static bool pause_reading(struct aggr_exchange *exchange, bool on)
{
    if (exchange->http2)
        return false;
    if (on && !exchange->handle.watched) /* nor would it be, on a connection that is used again */
        return false;
    curl_easy_pause(exchange->handle.easy, on ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    return true;
}

static void retire(struct aggr_exchange *exchange)
{
    curl_easy_setopt(exchange->handle.easy, CURLOPT_FORBID_REUSE, 1L);
    exchange->https = -1; /* set anew for the next one */
}

static unsigned count_connections(struct aggr_transport *self)
{
    return aggr_curl_shards_sockets(&((struct curl_transport *)self)->shards);
}

static unsigned count_descriptors(const struct aggr_transport *self)
{
    return aggr_curl_shards_descriptors(&((const struct curl_transport *)self)->shards);
}

static bool trim(struct aggr_transport *self)
{
    return aggr_curl_shards_trim(&((struct curl_transport *)self)->shards);
}

static void transport_free(struct aggr_transport *self)
{
    struct curl_transport *transport = (struct curl_transport *)self;
    aggr_curl_shards_deinit(&transport->shards);
    free(transport);
}

static const struct aggr_transport_ops transport_ops = {
    .name = "curl",
    .start = start,
    .cancel = detach,
    .pause = pause_reading,
    .retire = retire,
    .phase = aggr_exchange_phase,
    .connections = count_connections,
    .descriptors = count_descriptors,
    .trim = trim,
    .free = transport_free,
    .looks_up = true,
};

struct aggr_transport *aggr_curl_new(struct aggr_loop *loop, unsigned in_flight_max,
                                     unsigned sockets_max, struct aggr_failure *failure)
{
    if (aggr_curl_api_load(failure))
        return NULL;
    struct curl_transport *transport = aggr_mem_new(1, sizeof *transport);
    transport->base.ops = &transport_ops;
    if (sockets_max > 0) /* what the requests in flight leave of them */
        transport->idle_max = sockets_max > in_flight_max ? sockets_max - in_flight_max : 1;
    aggr_curl_shards_init(&transport->shards, loop, &shards_ops);
    return &transport->base;
}
