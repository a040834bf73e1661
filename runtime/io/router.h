/* router.h -- which transport carries a request: natively goes what is HTTP/1.1 for certain, which
 * is http://, https:// with http = "1.1", and https:// to where HTTP/2 has been offered in vain;
 * all else (HTTP/2, http:// through an HTTP proxy) by libcurl.
 *
 * Owns the transports, each made when it is first chosen; borrows the loop.
 *
 *   init -> (choose -> make_room -> [heard | failed])* -> deinit
 */
#pragma once
#include "io/loop.h"
#include "io/response.h"
#include "io/taught.h"
#include "io/transport.h"

enum aggr_router_mode { AGGR_ROUTER_AUTO, AGGR_ROUTER_NATIVE, AGGR_ROUTER_CURL };

struct aggr_router {
    struct aggr_loop *loop;
    enum aggr_router_mode mode;
    unsigned in_flight_max, sockets_max;
    struct aggr_transport *forced; /* borrowed; for everything. NULL = by what is asked for */
    struct aggr_transport *native, *curl; /* owned, NULL until chosen */
    struct aggr_taught http1;             /* origins, by policy, that speak HTTP/1 alone */
};

/* Into what says the first five fields. */
void aggr_router_init(struct aggr_router *router);

/* NULL: see `why`. */
struct aggr_transport *aggr_router_choose(struct aggr_router *router,
                                          const struct aggr_policy *policy,
                                          const struct aggr_url *url,
                                          const struct aggr_route *route, struct aggr_failure *why);

/* Before an exchange of `transport` starts: idle connections are closed where all sockets there may
 * be are open. */
void aggr_router_make_room(struct aggr_router *router, const struct aggr_transport *transport);

/* Requests that there may be in flight now: fewer where multi handles hold descriptors. */
unsigned aggr_router_permits(const struct aggr_router *router);

/* An answer has come by `transport` in this version. True: the next one there is not for it. */
bool aggr_router_heard(struct aggr_router *router, const struct aggr_transport *transport,
                       const struct aggr_policy *policy, const struct aggr_url *url,
                       enum aggr_http http);

/* None came, or none that made sense. */
void aggr_router_failed(struct aggr_router *router, const struct aggr_transport *transport,
                        const struct aggr_policy *policy, const struct aggr_url *url);

/* Open sockets of all of them. */
unsigned aggr_router_connections(const struct aggr_router *router);

/* No exchange is in flight: all connections are idle, and are closed. The transports go with them,
 * until they are chosen again. */
void aggr_router_close_idle(struct aggr_router *router);

void aggr_router_deinit(struct aggr_router *router);
