#include "io/router.h"
#include "io/curl_multi.h"
#include "io/native.h"

/* NEW_MOST: descriptors that an exchange opens, at most. */
enum { KEY_MAX = AGGR_URL_HOST_MAX + 40, NEW_MOST = 3 };

void aggr_router_init(struct aggr_router *router)
{
    aggr_taught_init(&router->http1);
}

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

/* Is the version found out by TLS (ALPN)? */
static bool is_negotiated(const struct aggr_router *router, const struct aggr_policy *policy,
                          const struct aggr_url *url)
{
    return router->mode == AGGR_ROUTER_AUTO && url->https && policy->http == AGGR_POLICY_HTTP_AUTO;
}

static const char *key_of(char out[KEY_MAX], const struct aggr_policy *policy,
                          const struct aggr_url *url)
{
    snprintf(out, KEY_MAX, "%u %s", policy->id, url->origin);
    return out;
}

static void note(struct aggr_router *router, const struct aggr_policy *policy,
                 const struct aggr_url *url, bool http1)
{
    char key[KEY_MAX];
    free(aggr_taught_drop(&router->http1));
    aggr_taught_note(&router->http1, key_of(key, policy, url), http1);
}

bool aggr_router_heard(struct aggr_router *router, const struct aggr_transport *transport,
                       const struct aggr_policy *policy, const struct aggr_url *url,
                       enum aggr_http http)
{
    if (transport != router->curl || !is_negotiated(router, policy, url) || http == AGGR_HTTP_2)
        return false;
    note(router, policy, url, true);
    return true;
}

void aggr_router_failed(struct aggr_router *router, const struct aggr_transport *transport,
                        const struct aggr_policy *policy, const struct aggr_url *url)
{
    if (transport == router->native && is_negotiated(router, policy, url))
        note(router, policy, url, false);
}

static bool is_http1(const struct aggr_router *router, const struct aggr_policy *policy,
                     const struct aggr_url *url)
{
    char key[KEY_MAX];
    if (!is_negotiated(router, policy, url))
        return true;
    return aggr_taught_find(&router->http1, key_of(key, policy, url)) != 0;
}

static struct aggr_transport *native_of(struct aggr_router *router)
{
    if (!router->native)
        router->native = aggr_native_new(router->loop);
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
    bool natively = router->mode != AGGR_ROUTER_CURL && !lacking && is_http1(router, policy, url);
    return natively ? native_of(router) : curl_of(router, why);
}

static unsigned connections_of(struct aggr_transport *transport)
{
    return transport ? transport->ops->connections(transport) : 0;
}

static unsigned descriptors_of(const struct aggr_transport *transport)
{
    return transport ? transport->ops->descriptors(transport) : 0;
}

static bool trim(struct aggr_transport *transport)
{
    return transport && transport->ops->trim(transport);
}

/* Those of multi handles, which are many where policies are. */
static unsigned own_descriptors(const struct aggr_router *router)
{
    return descriptors_of(router->native) + descriptors_of(router->curl);
}

/* libcurl cannot be told to close an idle connection, so ours make room for its. */
void aggr_router_make_room(struct aggr_router *router, const struct aggr_transport *transport)
{
    unsigned max = router->sockets_max;
    if (max == 0)
        return;
    while (own_descriptors(router) + aggr_router_connections(router) + NEW_MOST > max &&
           (trim(router->native) || trim(router->curl)))
        ;
    unsigned others = own_descriptors(router) + connections_of(router->curl);
    others += transport == router->curl;
    if (router->native)
        aggr_native_limit(router->native, max > others ? max - others : 1);
}

unsigned aggr_router_permits(const struct aggr_router *router)
{
    unsigned own = own_descriptors(router), max = router->sockets_max;
    if (own == 0 || max == 0)
        return router->in_flight_max;
    unsigned left = max > own ? (max - own) * 3 / 4 : 0; /* as cli/run.c does */
    return left == 0 ? 1 : left < router->in_flight_max ? left : router->in_flight_max;
}

unsigned aggr_router_connections(const struct aggr_router *router)
{
    return connections_of(router->forced) + connections_of(router->native) +
           connections_of(router->curl);
}

void aggr_router_close_idle(struct aggr_router *router)
{
    if (router->native)
        router->native->ops->free(router->native);
    if (router->curl)
        router->curl->ops->free(router->curl);
    router->native = router->curl = NULL;
}

void aggr_router_deinit(struct aggr_router *router)
{
    aggr_router_close_idle(router);
    aggr_taught_deinit(&router->http1);
}
