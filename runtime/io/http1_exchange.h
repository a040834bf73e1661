/* http1_exchange.h -- one request and its answer on one connection after another: what is still to
 * be sent, what has come, and what it means when the connection ends. For native.c alone.
 *
 * An exchange borrows its connection, request and sink while it runs.
 *
 *   begin -> send* -> receive* -> end          begin -> restart -> ...
 */
#pragma once
#include "io/http1_pool.h"
#include "io/http1_reader.h"

struct aggr_exchange {
    struct aggr_native *transport;
    struct aggr_http1_connection *connection; /* NULL: none yet, or no more */
    const struct aggr_exchange_request *request;
    struct aggr_sink *sink;
    struct aggr_http1_reader reader;
    struct aggr_buf head;    /* of the request, as long as not all of it is sent */
    size_t head_at, body_at; /* sent so far */
    uint64_t tls_ns;         /* of dialling, if it was for this one */
    struct aggr_list link;   /* among the transport's spare ones */
    bool reused;             /* the connection has served others */
    bool begun, sent;        /* the head has been made; something was sent, on this connection */
    bool unsendable;         /* the server takes no more of it */
    bool reset;              /* so the connection has ended */
    bool drained;            /* nothing was left to be read when the answer was whole */
    bool answered;           /* it was before the request, the rest of which is still sent */
    bool announced;          /* on_connected has been called */
    bool replaced;           /* it is on its second connection */
    bool paused;
};

enum aggr_http1_outcome {
    AGGR_HTTP1_GOES_ON,
    AGGR_HTTP1_OVER,   /* done or failed: see the reader */
    AGGR_HTTP1_CLOSED, /* the connection ended before anything came */
};

void aggr_http1_exchange_begin(struct aggr_exchange *exchange,
                               const struct aggr_exchange_request *request, struct aggr_sink *sink);

/* Sends what can be sent now; the head is made in `scratch`. False: out of memory, see the reader's
 * failure. */
bool aggr_http1_exchange_send(struct aggr_exchange *exchange, struct aggr_buf *scratch);

/* All of it has been sent. */
bool aggr_http1_exchange_is_sent(const struct aggr_exchange *exchange);

/* The answer is whole, the request is not, and its server wants it to be: it has neither refused
 * the request nor said that it closes (RFC 9112 section 9.5). */
bool aggr_http1_exchange_sends_on(const struct aggr_exchange *exchange);

/* Takes what has come, by way of `buffer`. */
enum aggr_http1_outcome aggr_http1_exchange_receive(struct aggr_exchange *exchange, char *buffer,
                                                    size_t cap);

/* The answer is whole: may another request be sent on the connection? */
bool aggr_http1_exchange_reusable(const struct aggr_exchange *exchange);

/* The connection has gone: may the request be sent on another? */
bool aggr_http1_exchange_may_restart(const struct aggr_exchange *exchange);
void aggr_http1_exchange_restart(struct aggr_exchange *exchange);

/* It may not: puts that into the reader's failure. */
void aggr_http1_exchange_closed(struct aggr_exchange *exchange);

enum aggr_phase aggr_http1_exchange_phase(const struct aggr_exchange *exchange);
