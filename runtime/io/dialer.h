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
    /* What was wanted. Bytes, an error or the end are for read to tell. */
    void (*on_ready)(void *owner, bool readable, bool writable);
};

struct aggr_stream_ops {
    ssize_t (*read)(struct aggr_stream *stream, void *bytes, size_t cap); /* as read(2) */
    ssize_t (*write)(struct aggr_stream *stream, const struct iovec *parts, int count);
    /* Which events there are to be; after on_open: readable alone. */
    void (*want)(struct aggr_stream *stream, bool readable, bool writable);
    bool (*quiet)(struct aggr_stream *stream);            /* open, and nothing to be read */
    enum aggr_phase (*phase)(struct aggr_stream *stream); /* while dialling: connect or tls */
    /* The address of its other end, "127.0.0.1:80" or a path; "" when there is none. */
    void (*peer)(struct aggr_stream *stream, char *out, size_t cap);
    void (*close)(struct aggr_stream *stream); /* at once */
};

struct aggr_stream {
    const struct aggr_stream_ops *ops;
    const struct aggr_stream_events *events;
    void *owner;
};

/* Borrowed for the call of dial. */
struct aggr_dial {
    const struct aggr_policy *policy;
    const struct aggr_route *route;
    const struct aggr_answer *answer; /* addresses of route->host, where route has none */
};

struct aggr_dialer;

struct aggr_dialer_ops {
    /* Never NULL. */
    struct aggr_stream *(*dial)(struct aggr_dialer *self, const struct aggr_dial *dial,
                                const struct aggr_stream_events *events, void *owner);
    void (*free)(struct aggr_dialer *self); /* its streams are closed */
};

struct aggr_dialer {
    const struct aggr_dialer_ops *ops;
};
