/* curl_exchange.h -- one exchange as curl does it: an easy handle, its options, its callbacks, and
 * what its results mean. For curl_multi.c alone.
 *
 * Used again and again, as its handle is.
 *
 *   new -> (prepare -> [in a multi handle] -> result? -> reset)* -> free
 */
#pragma once
#include "io/curl_shards.h"
#include "io/transport.h"

enum aggr_exchange_method {
    AGGR_EXCHANGE_UNSET,
    AGGR_EXCHANGE_GET,
    AGGR_EXCHANGE_HEAD,
    AGGR_EXCHANGE_BODY, /* sends a body, maybe an empty one */
};

struct aggr_exchange {
    struct aggr_curl_handle handle;
    struct aggr_sink *sink; /* borrowed while running, as the next two */
    const struct aggr_exchange_request *request;
    unsigned *http2_heard; /* goes up with each head and piece of a body in HTTP/2 */

    /* of the running request */
    struct aggr_buf head;
    bool head_done;
    bool retried;     /* by curl, which counts that for the handle, not for the request */
    bool http2;       /* so its head says */
    bool stopped;     /* we ended it, see failure; code AGGR_OK: the sink did */
    unsigned interim; /* 1xx heads so far */
    struct aggr_failure failure;

    /* what the easy handle is set to */
    enum aggr_exchange_method method;
    char custom[32];       /* CURLOPT_CUSTOMREQUEST, "" = none */
    int https;             /* -1: neither yet */
    struct aggr_buf block; /* the header lines that `headers` holds; empty: others as well */

    /* what curl borrows from us */
    struct aggr_buf headers; /* list nodes, then their text */
    struct aggr_buf host;
};

/* NULL: out of memory. */
struct aggr_exchange *aggr_exchange_new(const struct aggr_policy *policy,
                                        struct aggr_sockets *sockets);
void aggr_exchange_free(struct aggr_exchange *exchange);

/* Ready to be added to the multi handle that was taught `taught` and counts what it hears. */
enum aggr_err aggr_exchange_prepare(struct aggr_exchange *exchange,
                                    const struct aggr_exchange_request *request,
                                    struct aggr_sink *sink, struct aggr_taught *taught,
                                    unsigned *http2_heard);

/* Where it is now; while running. */
enum aggr_phase aggr_exchange_phase(struct aggr_exchange *exchange);

/* What `code` means, while still in its multi handle. */
void aggr_exchange_result(struct aggr_exchange *exchange, CURLcode code, struct aggr_end *end);

/* About to leave its multi handle: lets go of what it borrowed. */
void aggr_exchange_reset(struct aggr_exchange *exchange);
