#include "io/native.h"
#include "base/mem.h"
#include "io/dial_curl.h"
#include "io/dial_plain.h"
#include "io/http1_exchange.h"
#include "io/http1_request.h"

/* READ_BYTES: the one buffer all connections are read by way of. */
enum { READ_BYTES = 64 * 1024, SPARES_MAX = 1024 };

struct aggr_native {
    struct aggr_transport base;
    struct aggr_loop *loop;
    struct aggr_dialer *plain, *curl; /* owned; the second is NULL until it is needed */
    struct aggr_http1_pool pool;
    struct aggr_list spares; /* exchanges */
    unsigned spares_len;
    struct aggr_buf scratch; /* for the head of a request */
    char buffer[READ_BYTES];
};

static void exchange_free(struct aggr_exchange *exchange)
{
    aggr_buf_deinit(&exchange->head);
    free(exchange);
}

static struct aggr_exchange *exchange_get(struct aggr_native *native)
{
    struct aggr_list *link = aggr_list_shift(&native->spares);
    if (link) {
        native->spares_len--;
        return AGGR_LIST_ENTRY(link, struct aggr_exchange, link);
    }
    struct aggr_exchange *exchange = aggr_mem_new(1, sizeof *exchange);
    aggr_list_init(&exchange->link);
    exchange->transport = native;
    return exchange;
}

/* Off the loop: no event of it comes any more. Its connection has been seen to. */
static void release(struct aggr_exchange *exchange)
{
    struct aggr_native *native = exchange->transport;
    aggr_http1_reader_deinit(&exchange->reader);
    exchange->connection = NULL;
    exchange->sink = NULL;
    exchange->request = NULL;
    native->loop->in_flight--;
    if (native->spares_len >= SPARES_MAX || exchange->head.cap > 0) {
        exchange_free(exchange);
        return;
    }
    aggr_list_push(native->spares.next, &exchange->link); /* before the first */
    native->spares_len++;
}

/* It is over, as its reader's failure says. */
static void finish(struct aggr_exchange *exchange)
{
    struct aggr_sink *sink = exchange->sink;
    struct aggr_end end = {.failure = exchange->reader.failure, .tls_ns = exchange->tls_ns};
    struct aggr_http1_connection *connection = exchange->connection;
    if (exchange->begun && aggr_http1_exchange_reusable(exchange)) {
        if (exchange->reader.keep_s > 0)
            connection->keep_s = exchange->reader.keep_s;
        aggr_http1_pool_keep(connection);
    } else {
        aggr_http1_pool_drop(connection);
    }
    release(exchange);
    sink->ops->on_end(sink, &end);
}

static void set_wanted(struct aggr_exchange *exchange)
{
    struct aggr_stream *stream = exchange->connection->stream;
    bool writable = !exchange->unsendable && !aggr_http1_exchange_is_sent(exchange);
    stream->ops->want(stream, !exchange->paused && !exchange->answered, writable);
}

static void announce(struct aggr_exchange *exchange)
{
    if (exchange->announced)
        return;
    exchange->announced = true;
    if (exchange->sink->ops->on_connected)
        exchange->sink->ops->on_connected(exchange->sink);
}

static const struct aggr_stream_events stream_events;

static bool is_plain(const struct aggr_exchange_request *request)
{
    return !request->url->https && !request->route->proxy;
}

static void dial(struct aggr_exchange *exchange)
{
    struct aggr_native *native = exchange->transport;
    const struct aggr_exchange_request *request = exchange->request;
    struct aggr_dialer *dialer = is_plain(request) ? native->plain : native->curl;
    struct aggr_dial to = aggr_exchange_request_dial(request);
    struct aggr_http1_connection *connection = aggr_http1_pool_add(&native->pool, request);
    connection->exchange = exchange;
    exchange->connection = connection;
    connection->stream = dialer->ops->dial(dialer, &to, &stream_events, connection);
}

/* The connection used again is gone: the request goes to a new one, from its beginning. */
static void replace(struct aggr_exchange *exchange)
{
    aggr_http1_pool_drop(exchange->connection);
    aggr_http1_reader_deinit(&exchange->reader);
    aggr_http1_exchange_restart(exchange);
    exchange->replaced = true;
    exchange->paused = false;
    exchange->announced = false;
    if (exchange->sink->ops->on_redial)
        exchange->sink->ops->on_redial(exchange->sink);
    dial(exchange);
}

/* False: see the reader's failure. */
static bool send_on(struct aggr_exchange *exchange)
{
    if (!aggr_http1_exchange_send(exchange, &exchange->transport->scratch))
        return false;
    if (exchange->unsendable && aggr_http1_exchange_may_restart(exchange))
        replace(exchange);
    else
        set_wanted(exchange);
    return true;
}

/* Behind a whole answer. Whatever else comes of the connection, its error too, writing tells. */
static void send_rest(struct aggr_exchange *exchange)
{
    if (!send_on(exchange) || !aggr_http1_exchange_sends_on(exchange))
        finish(exchange);
}

static void receive(struct aggr_exchange *exchange)
{
    struct aggr_native *native = exchange->transport;
    switch (aggr_http1_exchange_receive(exchange, native->buffer, sizeof native->buffer)) {
    case AGGR_HTTP1_GOES_ON:
        return;
    case AGGR_HTTP1_CLOSED:
        if (aggr_http1_exchange_may_restart(exchange)) {
            replace(exchange);
            return;
        }
        aggr_http1_exchange_closed(exchange);
        finish(exchange);
        return;
    case AGGR_HTTP1_OVER:
        if (!aggr_http1_exchange_sends_on(exchange)) {
            finish(exchange);
            return;
        }
        exchange->answered = true;
        exchange->drained = false; /* by then more may have come */
        set_wanted(exchange);
    }
}

static void on_open(void *owner)
{
    struct aggr_http1_connection *connection = owner;
    struct aggr_exchange *exchange = connection->exchange;
    exchange->tls_ns = connection->stream->tls_ns;
    announce(exchange);
    if (!send_on(exchange))
        finish(exchange);
}

static void on_failed(void *owner, const struct aggr_failure *failure)
{
    struct aggr_http1_connection *connection = owner;
    connection->exchange->reader.failure = *failure;
    finish(connection->exchange);
}

static void on_ready(void *owner, bool readable, bool writable)
{
    struct aggr_http1_connection *connection = owner;
    struct aggr_exchange *exchange = connection->exchange;
    if (!exchange) { /* idle: nothing may come, but for what TLS says to itself */
        if (!connection->stream->ops->quiet(connection->stream))
            aggr_http1_pool_drop(connection);
        return;
    }
    if (exchange->answered) {
        send_rest(exchange);
        return;
    }
    if (writable && !send_on(exchange)) {
        finish(exchange);
        return;
    }
    if (readable && exchange->begun && !exchange->paused) /* not on another connection by now */
        receive(exchange);
}

static const struct aggr_stream_events stream_events = {
    .on_open = on_open,
    .on_failed = on_failed,
    .on_ready = on_ready,
};

/* False: see `failure`. */
static bool can_dial(struct aggr_native *native, const struct aggr_exchange_request *request,
                     struct aggr_failure *failure)
{
    if (!is_plain(request) && !native->curl)
        native->curl = aggr_dial_curl_new(native->loop, failure);
    return is_plain(request) || native->curl;
}

static struct aggr_exchange *start(struct aggr_transport *self,
                                   const struct aggr_exchange_request *request,
                                   struct aggr_sink *sink, struct aggr_failure *failure)
{
    struct aggr_native *native = (struct aggr_native *)self;
    if (!can_dial(native, request, failure))
        return NULL;
    bool certain = !aggr_http1_idempotent(request->method);
    struct aggr_http1_connection *connection =
        aggr_http1_pool_take(&native->pool, request, certain);
    struct aggr_exchange *exchange = exchange_get(native);
    aggr_http1_exchange_begin(exchange, request, sink);
    native->loop->in_flight++;
    if (!connection) {
        dial(exchange);
        return exchange;
    }
    exchange->reused = true;
    exchange->connection = connection;
    connection->exchange = exchange;
    announce(exchange);
    if (send_on(exchange))
        return exchange;
    *failure = exchange->reader.failure;
    aggr_http1_pool_drop(connection);
    release(exchange);
    return NULL;
}

static void cancel(struct aggr_exchange *exchange)
{
    aggr_http1_pool_drop(exchange->connection);
    release(exchange);
}

static bool pause_reading(struct aggr_exchange *exchange, bool on)
{
    exchange->paused = on;
    if (exchange->begun)
        set_wanted(exchange);
    return true;
}

static enum aggr_phase phase(struct aggr_exchange *exchange)
{
    return aggr_http1_exchange_phase(exchange);
}

static unsigned count_connections(struct aggr_transport *self)
{
    return ((struct aggr_native *)self)->pool.open;
}

static unsigned count_descriptors(const struct aggr_transport *self)
{
    const struct aggr_dialer *curl = ((const struct aggr_native *)self)->curl;
    return curl ? curl->ops->descriptors(curl) : 0;
}

static bool trim(struct aggr_transport *self)
{
    struct aggr_dialer *curl = ((struct aggr_native *)self)->curl;
    return curl && curl->ops->trim(curl);
}

static void native_free(struct aggr_transport *self)
{
    struct aggr_native *native = (struct aggr_native *)self;
    struct aggr_list *link;
    aggr_http1_pool_deinit(&native->pool);
    native->plain->ops->free(native->plain);
    if (native->curl)
        native->curl->ops->free(native->curl);
    while ((link = aggr_list_shift(&native->spares)))
        exchange_free(AGGR_LIST_ENTRY(link, struct aggr_exchange, link));
    aggr_buf_deinit(&native->scratch);
    free(native);
}

static const struct aggr_transport_ops transport_ops = {
    .name = "native",
    .start = start,
    .cancel = cancel,
    .pause = pause_reading,
    .phase = phase,
    .connections = count_connections,
    .descriptors = count_descriptors,
    .trim = trim,
    .free = native_free,
    .pauses_any = true,
    .looks_up = true,
};

void aggr_native_limit(struct aggr_transport *self, unsigned sockets_max)
{
    aggr_http1_pool_limit(&((struct aggr_native *)self)->pool, sockets_max);
}

struct aggr_transport *aggr_native_new(struct aggr_loop *loop)
{
    struct aggr_native *native = aggr_mem_new(1, sizeof *native);
    native->base.ops = &transport_ops;
    native->loop = loop;
    native->plain = aggr_dial_plain_new(loop);
    aggr_http1_pool_init(&native->pool, loop, 0);
    aggr_list_init(&native->spares);
    return &native->base;
}
