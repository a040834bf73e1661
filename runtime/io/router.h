/* router.h -- which transport carries a request: natively goes what is HTTP/1.1 for certain, which
 * is http:// and https:// with http = "1.1"; all else (HTTP/2, http:// through an HTTP proxy) by
 * libcurl.
 *
 * Owns the transports, each made when it is first chosen; borrows the loop.
 *
 *   {options} -> choose* -> deinit
 */
#pragma once
#include "io/loop.h"
#include "io/transport.h"

enum aggr_router_mode { AGGR_ROUTER_AUTO, AGGR_ROUTER_NATIVE, AGGR_ROUTER_CURL };

struct aggr_router {
    struct aggr_loop *loop;
    enum aggr_router_mode mode;
    unsigned in_flight_max, sockets_max;
    struct aggr_transport *forced; /* borrowed; for everything. NULL = by what is asked for */
    struct aggr_transport *native, *curl; /* owned, NULL until chosen */
};

/* NULL: see `why`. */
struct aggr_transport *aggr_router_choose(struct aggr_router *router,
                                          const struct aggr_policy *policy,
                                          const struct aggr_url *url,
                                          const struct aggr_route *route, struct aggr_failure *why);

/* Open sockets of all of them. */
unsigned aggr_router_connections(const struct aggr_router *router);

void aggr_router_deinit(struct aggr_router *router);
