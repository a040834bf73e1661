/* fetch.h -- one request from URL to response: look-up, permit, exchange, redirects, time-outs. No
 * Lua.
 *
 * Owns copies of what it was given and its response; borrows runtime, policy and gate client.
 * on_end comes at most once, from the loop or from within start, and not after cancel.
 *
 *   new -> start -> (on_end | cancel) -> free          new -> free
 */
#pragma once
#include "base/gate.h"
#include "io/hop.h"
#include "io/limits.h"
#include "io/response.h"
#include "io/runtime.h"

/* Borrowed for the call of aggr_fetch_new. */
struct aggr_fetch_request {
    const char *method;
    const char *url; /* userinfo in it becomes Basic authentication, unless a header has one */
    size_t url_len;
    const char *headers; /* lines "Name: value\n" */
    size_t headers_len;
    const char *body; /* NULL = none */
    size_t body_len;
    const struct aggr_policy *policy;
    struct aggr_gate_client *client; /* NULL = none */
    /* AGGR_NEVER = none */
    uint64_t timeout_ns;         /* active time in all phases but the permit queue */
    uint64_t connect_timeout_ns; /* look-up, TCP and TLS of one hop */
    uint64_t idle_timeout_ns;    /* silence while waiting or reading */
    uint64_t max_body_bytes;
    unsigned redirects; /* followed at most; 0: a 3xx is the result */
};

/* In ns, over all hops. */
struct aggr_fetch_timing {
    uint64_t queue, dns, connect, tls, wait, body, total;
};

enum aggr_fetch_state {
    AGGR_FETCH_NEW,
    AGGR_FETCH_DNS,
    AGGR_FETCH_QUEUE,
    AGGR_FETCH_CONNECT,
    AGGR_FETCH_WAIT,
    AGGR_FETCH_BODY,
    AGGR_FETCH_ENDED,
};

/* All of it is private to io/fetch and io/fetch_drive. */
struct aggr_fetch {
    struct aggr_runtime *rt;
    void (*on_end)(struct aggr_fetch *fetch, void *owner);
    void *owner;
    const struct aggr_policy *policy;
    struct aggr_gate_client *client;
    enum aggr_fetch_state state;
    uint64_t id;
    const void *doer;                 /* whom it is for (base/ledger.h) */
    size_t held_bytes;                /* of the response, as ledger and backlog have them */
    bool paused;                      /* by the backlog; the limits stand still */
    struct aggr_list flying, reading; /* of the backlog */
    uint64_t late_round;              /* of io/late */

    struct aggr_hop hop;
    struct aggr_route route;
    struct aggr_query query;    /* waiting in DNS */
    struct aggr_answer *answer; /* a reference, or NULL */
    struct aggr_waiter waiter;  /* queued in QUEUE, granted after it */
    struct aggr_exchange_request request;
    struct aggr_sink sink;
    struct aggr_transport *transport; /* of this hop, once its route is known */
    struct aggr_exchange *exchange;   /* from CONNECT to BODY */
    const char *served_by;            /* the transport of the last exchange; NULL = none began */
    struct aggr_response response;    /* its failure is the fetch's */
    const char *location; /* within the response's head, when it is a redirect to be followed */
    size_t location_len, redirect_body;
    unsigned redirects, redirects_max;

    struct aggr_limits limits;
    struct aggr_timer timer;     /* due at the first limit, or earlier: see arm */
    uint64_t begun_ns, state_ns; /* when the fetch, the state began */
    struct aggr_fetch_timing timing;
    char *given_url;        /* owned; where it could not be parsed */
    struct aggr_list spare; /* among the runtime's spares, while nobody's */
    void *room[3];          /* the owner's own, for what it would make beside the fetch */
};

/* Never NULL. A request that cannot be (kind usage) ends with its failure as soon as it is started.
 */
struct aggr_fetch *aggr_fetch_new(struct aggr_runtime *rt, const struct aggr_fetch_request *request,
                                  void (*on_end)(struct aggr_fetch *fetch, void *owner),
                                  void *owner);
void aggr_fetch_start(struct aggr_fetch *fetch);

/* Idempotent; the transfer is off the loop when it returns. */
void aggr_fetch_cancel(struct aggr_fetch *fetch);

/* Not while started and neither ended nor cancelled. */
void aggr_fetch_free(struct aggr_fetch *fetch);

/* What free has kept for the next new. */
void aggr_fetch_free_spares(struct aggr_runtime *rt);

/* For io/fetch_drive: so many bytes of the response are there now. */
void aggr_fetch_hold(struct aggr_fetch *fetch, size_t bytes);

/* After on_end, borrowed until free. */
const struct aggr_failure *aggr_fetch_failure(const struct aggr_fetch *fetch);
struct aggr_response *aggr_fetch_response(struct aggr_fetch *fetch); /* status 0: no head came */
const char *aggr_fetch_url(const struct aggr_fetch *fetch);          /* of the last hop */
const char *aggr_fetch_method(const struct aggr_fetch *fetch);       /* of the last hop */
const char *aggr_fetch_transport(const struct aggr_fetch *fetch);    /* see served_by */
void aggr_fetch_timing(const struct aggr_fetch *fetch, struct aggr_fetch_timing *timing);
