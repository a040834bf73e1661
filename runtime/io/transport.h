/* transport.h -- the seam below which bytes travel: one hop's raw exchange. Above it the same code
 * serves every transport: permits, hops, timers, field rules, decoding, caps.
 *
 * An exchange is the transport's from start to its end event or cancel; the sink is its caller's.
 *
 *   start -> (connected -> redial?)* -> heard* -> head -> data* -> end
 *   start -> ... -> cancel (nothing follows)
 */
#pragma once
#include "base/err.h"
#include "io/dialer.h"
#include <stdbool.h>
#include <stdint.h>

struct aggr_transport;
struct aggr_exchange; /* the transport's own, opaque */
struct aggr_sink;

/* How an exchange ended. */
struct aggr_end {
    struct aggr_failure failure; /* code AGGR_OK: the peer has sent all it wanted to */
    uint64_t tls_ns;             /* part of connecting that was the TLS handshake */
};

/* All but on_end may come from inside the transport's library: they take note and return, and call
 * nothing of the transport. False ends the exchange (`end` follows). */
struct aggr_sink_ops {
    void (*on_connected)(struct aggr_sink *self);
    void (*on_redial)(struct aggr_sink *self); /* again from the start: on_connected is to come */
    void (*on_heard)(struct aggr_sink *self);  /* a line of a head, an interim one's too */
    bool (*on_head)(struct aggr_sink *self, const char *bytes, size_t len); /* final head, raw */
    bool (*on_data)(struct aggr_sink *self, const char *bytes, size_t len); /* raw body bytes */
    void (*on_end)(struct aggr_sink *self, const struct aggr_end *end);     /* once; may start */
};

struct aggr_sink {
    const struct aggr_sink_ops *ops;
};

/* All borrowed until end or cancel. */
struct aggr_exchange_request {
    const char *method;
    const struct aggr_url *url;
    const char *headers; /* "Name: value\n" lines, checked */
    size_t headers_len;
    const char *body; /* NULL = none */
    size_t body_len;
    const struct aggr_policy *policy;
    const struct aggr_route *route;
    struct aggr_answer *answer;  /* addresses of route->host, or NULL when it needs none */
    uint64_t connect_timeout_ns; /* a backstop, and how several addresses share the time */
    const void *doer;            /* whom it is for (base/ledger.h) */
};

static inline struct aggr_dial
aggr_exchange_request_dial(const struct aggr_exchange_request *request)
{
    return (struct aggr_dial){
        request->policy, request->url, request->route, request->answer, request->connect_timeout_ns,
        request->doer};
}

struct aggr_transport_ops {
    const char *name; /* static: shown to people */
    /* NULL: see `failure`, and no event comes. Only connected and redial come from within. */
    struct aggr_exchange *(*start)(struct aggr_transport *self,
                                   const struct aggr_exchange_request *request,
                                   struct aggr_sink *sink, struct aggr_failure *failure);
    /* At once; never from inside on_connected, on_head or on_data. */
    void (*cancel)(struct aggr_exchange *exchange);
    /* Stop or resume reading, from on_head on; stop it from inside of its on_head and on_data, too.
     * False: it goes on. */
    bool (*pause)(struct aggr_exchange *exchange, bool on);
    /* Its connection is not to serve another; from inside on_head. NULL: cannot be. */
    void (*retire)(struct aggr_exchange *exchange);
    /* Where it is now: connect, tls, write, wait or body. */
    enum aggr_phase (*phase)(struct aggr_exchange *exchange);
    unsigned (*connections)(struct aggr_transport *self);       /* sockets, open or about to be */
    unsigned (*descriptors)(const struct aggr_transport *self); /* open beside those */
    /* Closes some of these that nothing in flight needs; false: there are none. */
    bool (*trim)(struct aggr_transport *self);
    void (*free)(struct aggr_transport *self); /* no exchange may be in flight */
    bool
        pauses_any; /* from on_connected on; to stop it from inside of any exchange's events, too */
    bool looks_up;  /* names have to be looked up before start */
};

struct aggr_transport {
    const struct aggr_transport_ops *ops;
};
