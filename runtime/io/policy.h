/* policy.h -- how a connection is made: TLS, proxy, socket, fixed addresses, HTTP version. Compiled
 * once and interned, so that two equal policies are one pointer and share their idle connections.
 *
 * The set owns its policies until it is freed: a program has few. Plain data, no I/O.
 *
 *   set new -> intern* -> set free
 */
#pragma once
#include "base/err.h"
#include "base/url.h"
#include <stdbool.h>

enum aggr_policy_http { AGGR_POLICY_HTTP_AUTO, AGGR_POLICY_HTTP_1, AGGR_POLICY_HTTP_2 };

/* What to intern; every string is borrowed for the call, NULL = not given. */
struct aggr_policy_options {
    enum aggr_policy_http http;
    const char *ca;   /* file or folder; NULL = the system's */
    const char *cert; /* file, PEM */
    const char *key;  /* file, PEM; NULL = in cert */
    bool insecure;    /* verify = false */
    const char *server_name;
    const char *proxy; /* "" = none, NULL = the environment's, never for loopback */
    const char *unix_socket;
    const char *const *resolve; /* host, address, host, address, ... NULL */
};

struct aggr_proxy {
    char *url;    /* owned: "http://user:password@host:3128" */
    char *host;   /* owned, no brackets */
    bool literal; /* host is an address */
    bool socks;
    int port;
};

struct aggr_policy {
    unsigned id; /* 0, 1, 2, ... within the set */
    enum aggr_policy_http http;
    bool insecure;
    bool direct;                                       /* proxy = false */
    char *ca, *cert, *key, *server_name, *unix_socket; /* owned, NULL = not given */
    struct aggr_proxy *proxy;                          /* owned, NULL = not given */
    char **resolve;                                    /* owned: host, address, ... NULL */
    char *fingerprint;                                 /* owned; equal for equal options */
    const struct aggr_policy_set *set;
};

struct aggr_policy_set;

/* `getenv` gives the environment's proxies (http_proxy, https_proxy, all_proxy, no_proxy); NULL:
 * there are none. */
struct aggr_policy_set *aggr_policy_set_new(char *(*getenv)(const char *name));
void aggr_policy_set_free(struct aggr_policy_set *set);

/* The policy that `options` describe, borrowed until the set is freed. NULL: see `why` (kind
 * usage). */
const struct aggr_policy *aggr_policy_intern(struct aggr_policy_set *set,
                                             const struct aggr_policy_options *options,
                                             struct aggr_failure *why);

/* Where a request for a URL connects to under a policy. Borrowed from policy, set and URL. */
struct aggr_route {
    const char *unix_socket;        /* then nothing below counts */
    const struct aggr_proxy *proxy; /* or NULL */
    const char *host;               /* the peer's, proxy or origin: a name or an address */
    int port;
    const char *address; /* of host, where it is known (no brackets); NULL = look it up */
};

/* USAGE when it would be a proxy of the environment's that is none: see `why`. */
enum aggr_err aggr_policy_route(const struct aggr_policy *policy, const struct aggr_url *url,
                                struct aggr_route *route, struct aggr_failure *why);
