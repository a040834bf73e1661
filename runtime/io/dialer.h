/* dialer.h -- byte streams to a peer, and what dials them. Knows no HTTP.
 *
 * A stream belongs to who dialled it until it closes it; the dialer keeps nothing. Its events come
 * from the loop alone, never from within one of its functions, and none after close.
 *
 *   dial -> (on_open -> (on_ready -> read, write)* | on_failed) -> close      close at any time
 */
#pragma once
#include "base/err.h"
#include "io/lookup.h"
#include "io/policy.h"
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct aggr_stream;

struct aggr_stream_events {
    void (*on_open)(void *owner); /* it stands, and can be written to */
    void (*on_failed)(void *owner, const struct aggr_failure *failure); /* it never will */
    /* What was wanted. Bytes, an error or the end are for read to tell. Comes again for as long as
     * reading is wanted and has not ended with EAGAIN, or with less than there was room for. */
    void (*on_ready)(void *owner, bool readable, bool writable);
};

struct aggr_stream_ops {
    /* As read(2). ECONNABORTED: it has ended, and TLS has not announced that. */
    ssize_t (*read)(struct aggr_stream *stream, void *bytes, size_t cap);
    /* As writev(2). What it did not take, the next one begins with. */
    ssize_t (*write)(struct aggr_stream *stream, const struct iovec *parts, int count);
    /* Which events there are to be; after on_open: readable alone. */
    void (*want)(struct aggr_stream *stream, bool readable, bool writable);
    /* Open, and nothing to be read. If not, it can only be closed. */
    bool (*quiet)(struct aggr_stream *stream);
    enum aggr_phase (*phase)(struct aggr_stream *stream); /* while dialling: connect or tls */
    void (*close)(struct aggr_stream *stream);            /* at once */
};

struct aggr_stream {
    const struct aggr_stream_ops *ops;
    const struct aggr_stream_events *events;
    void *owner;
    uint64_t tls_ns; /* what the TLS handshake took; from on_open on */
};

/* All borrowed until on_open, on_failed or close. */
struct aggr_dial {
    const struct aggr_policy *policy;
    const struct aggr_url *url; /* whose origin is wanted */
    const struct aggr_route *route;
    const struct aggr_answer *answer; /* addresses of route->host, where route has none */
    uint64_t connect_timeout_ns;      /* how several addresses share the time */
    const void *doer;                 /* whom it is for (base/ledger.h) */
};

struct aggr_dialer;

struct aggr_dialer_ops {
    /* Never NULL. */
    struct aggr_stream *(*dial)(struct aggr_dialer *self, const struct aggr_dial *dial,
                                const struct aggr_stream_events *events, void *owner);
    /* Descriptors of its own, beside its streams'; NULL: none. */
    unsigned (*descriptors)(const struct aggr_dialer *self);
    /* Closes some of them that no stream needs; false: there are none. */
    bool (*trim)(struct aggr_dialer *self);
    void (*free)(struct aggr_dialer *self); /* its streams are closed */
};

struct aggr_dialer {
    const struct aggr_dialer_ops *ops;
};
