#include "io/router.h"
#include "io/curl_multi.h"
#include "io/native.h"

/* What the native transport lacks for such a request; NULL: nothing. */
static const char *missing(const struct aggr_policy *policy, const struct aggr_url *url,
                           const struct aggr_route *route)
{
    if (policy->http == AGGR_POLICY_HTTP_2)
        return "HTTP/2";
    if (route->proxy && !route->proxy->socks && !url->https)
        return "http:// through HTTP proxies";
    return NULL;
}

static struct aggr_transport *native_of(struct aggr_router *router)
{
    if (!router->native)
        router->native = aggr_native_new(router->loop, router->sockets_max);
    return router->native;
}

static struct aggr_transport *curl_of(struct aggr_router *router, struct aggr_failure *why)
{
    if (!router->curl)
        router->curl = aggr_curl_new(router->loop, router->in_flight_max, router->sockets_max, why);
    return router->curl;
}

struct aggr_transport *aggr_router_choose(struct aggr_router *router,
                                          const struct aggr_policy *policy,
                                          const struct aggr_url *url,
                                          const struct aggr_route *route, struct aggr_failure *why)
{
    if (router->forced)
        return router->forced;
    const char *lacking = missing(policy, url, route);
    if (router->mode == AGGR_ROUTER_NATIVE && lacking) {
        aggr_failure_set(why, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE,
                         "the native transport does not speak %s (--transport=auto does)", lacking);
        return NULL;
    }
    bool natively =
        router->mode != AGGR_ROUTER_CURL && !lacking &&
        (!url->https || policy->http == AGGR_POLICY_HTTP_1 || router->mode == AGGR_ROUTER_NATIVE);
    return natively ? native_of(router) : curl_of(router, why);
}

static unsigned connections_of(struct aggr_transport *transport)
{
    return transport ? transport->ops->connections(transport) : 0;
}

unsigned aggr_router_connections(const struct aggr_router *router)
{
    return connections_of(router->forced) + connections_of(router->native) +
           connections_of(router->curl);
}

void aggr_router_deinit(struct aggr_router *router)
{
    if (router->native)
        router->native->ops->free(router->native);
    if (router->curl)
        router->curl->ops->free(router->curl);
}
