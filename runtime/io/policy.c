#include "io/policy.h"
#include "base/buf.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

/* What the environment says for a scheme: nothing, a proxy, or something that is none. */
struct environment {
    struct aggr_proxy *proxy;
    struct aggr_failure failure;
};

struct aggr_policy_set {
    struct aggr_policy **policies; /* owned array of owned policies */
    unsigned len;
    struct environment http, https;
    char *no_proxy;
};

static bool is_address(const char *host)
{
    struct in6_addr scratch;
    return inet_pton(AF_INET, host, &scratch) == 1 || inet_pton(AF_INET6, host, &scratch) == 1;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    size_t len = strlen(host);
    if (len > 0 && host[len - 1] == '.')
        len--;
    if (len >= 9 && strncmp(host + len - 9, "localhost", 9) == 0)
        return len == 9 || host[len - 10] == '.';
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

static void proxy_free(struct aggr_proxy *proxy)
{
    if (!proxy)
        return;
    free(proxy->url);
    free(proxy->host);
    free(proxy);
}

/* Userinfo goes to curl as it was written: it is percent-encoded there. */
static struct aggr_proxy *proxy_new(const char *scheme, const char *authority,
                                    const struct aggr_url *url, int port)
{
    struct aggr_proxy *proxy = aggr_mem_new(1, sizeof *proxy);
    const char *at = strrchr(authority, '@');
    int userinfo_len = at ? (int)(at + 1 - authority) : 0;
    bool v6 = strchr(url->host, ':') != NULL;
    proxy->host = aggr_mem_strdup(url->host);
    proxy->port = port;
    proxy->literal = is_address(url->host);
    proxy->socks = strncmp(scheme, "socks", 5) == 0;
    AGGR_CHECK(asprintf(&proxy->url, "%s://%.*s%s%s%s:%d", scheme, userinfo_len, authority,
                        v6 ? "[" : "", url->host, v6 ? "]" : "", port) > 0);
    return proxy;
}

/* "http://proxy:3128", "https://...", "socks5h://..." or just "proxy:3128". */
static struct aggr_proxy *proxy_parse(const char *text, struct aggr_failure *why)
{
    static const char *const schemes[] = {"http", "https", "socks5h"};
    const char *scheme = "http", *authority = text;
    const char *colon = strstr(text, "://");
    if (colon) {
        scheme = NULL;
        for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
            if (strlen(schemes[i]) == (size_t)(colon - text) &&
                strncasecmp(schemes[i], text, strlen(schemes[i])) == 0)
                scheme = schemes[i];
        }
        authority = colon + 3;
    }
    if (!scheme) {
        aggr_failure_set(why, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE,
                         "a proxy must be an http, https or socks5h URL");
        return NULL;
    }
    bool socks = strcmp(scheme, "socks5h") == 0;
    char *bare = aggr_mem_strdup(authority), *as_url;
    bare[strcspn(bare, "/?#")] = '\0';
    AGGR_CHECK(asprintf(&as_url, "%s://%s", strcmp(scheme, "https") == 0 ? "https" : "http", bare) >
               0);
    struct aggr_url url = {0};
    struct aggr_failure inner = {0};
    struct aggr_proxy *proxy = NULL;
    if (aggr_url_parse(&url, as_url, strlen(as_url), &inner))
        aggr_failure_set(why, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE, "proxy: %s", inner.text);
    else
        proxy = proxy_new(scheme, bare, &url, socks && url.port == 80 ? 1080 : url.port);
    aggr_url_deinit(&url);
    free(as_url);
    free(bare);
    return proxy;
}

/* The first of `names` that is set. */
static struct environment environment_proxy(char *(*getenv)(const char *), const char *const *names)
{
    struct environment out = {0};
    struct aggr_failure why = {0};
    const char *text = NULL;
    while (*names && !((text = getenv(*names)) && *text))
        names++;
    if (!*names)
        return out;
    out.proxy = proxy_parse(text, &why);
    if (!out.proxy)
        aggr_failure_set(&out.failure, why.code, why.phase, "the environment's %s: %s", *names,
                         why.text);
    return out;
}

struct aggr_policy_set *aggr_policy_set_new(char *(*getenv)(const char *name))
{
    struct aggr_policy_set *set = aggr_mem_new(1, sizeof *set);
    if (!getenv)
        return set;
    /* HTTP_PROXY in capitals could come from a request header of a CGI host. */
    static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                        NULL};
    set->http = environment_proxy(getenv, http);
    set->https = environment_proxy(getenv, https);
    const char *no_proxy = getenv("no_proxy");
    if (!no_proxy)
        no_proxy = getenv("NO_PROXY");
    if (no_proxy)
        set->no_proxy = aggr_mem_strdup(no_proxy);
    return set;
}

static void policy_free(struct aggr_policy *policy)
{
    free(policy->ca);
    free(policy->cert);
    free(policy->key);
    free(policy->server_name);
    free(policy->unix_socket);
    proxy_free(policy->proxy);
    for (char **at = policy->resolve; at && *at; at++)
        free(*at);
    free(policy->resolve);
    free(policy->fingerprint);
    free(policy);
}

void aggr_policy_set_free(struct aggr_policy_set *set)
{
    if (!set)
        return;
    for (unsigned i = 0; i < set->len; i++)
        policy_free(set->policies[i]);
    free(set->policies);
    proxy_free(set->http.proxy);
    proxy_free(set->https.proxy);
    free(set->no_proxy);
    free(set);
}

/* Every field ends with a byte no field can hold; an absent one is told from an empty one. */
static void sign(struct aggr_buf *out, const char *field)
{
    AGGR_CHECK(!aggr_buf_append(out, field ? "+" : "-", 1));
    if (field)
        AGGR_CHECK(!aggr_buf_append(out, field, strlen(field)));
    AGGR_CHECK(!aggr_buf_append(out, "\n", 1));
}

static char *fingerprint_of(const struct aggr_policy_options *options)
{
    struct aggr_buf out = {0};
    const char flags[] = {(char)('0' + options->http), options->insecure ? 'i' : 's', '\0'};
    sign(&out, flags);
    sign(&out, options->ca);
    sign(&out, options->cert);
    sign(&out, options->key);
    sign(&out, options->server_name);
    sign(&out, options->proxy);
    sign(&out, options->unix_socket);
    for (const char *const *at = options->resolve; at && *at; at++)
        sign(&out, *at);
    AGGR_CHECK(!aggr_buf_append(&out, "", 1));
    return out.data;
}

static bool has_line_break(const struct aggr_policy_options *options)
{
    const char *const fields[] = {options->ca,          options->cert,  options->key,
                                  options->server_name, options->proxy, options->unix_socket};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i] && strpbrk(fields[i], "\r\n"))
            return true;
    }
    return false;
}

static bool check_options(const struct aggr_policy_options *options, struct aggr_failure *why)
{
    const char *complaint = NULL;
    struct sockaddr_un *address;
    if (has_line_break(options))
        complaint = "a connection option must not contain a line break";
    else if (options->unix_socket && strlen(options->unix_socket) >= sizeof address->sun_path)
        complaint = "the path of a Unix socket is at most 107 bytes long";
    else if (options->server_name && strpbrk(options->server_name, ":/@ ?#"))
        complaint = "server_name must be a host name";
    if (complaint)
        aggr_failure_set(why, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE, "%s", complaint);
    for (const char *const *at = options->resolve; at && *at && !complaint; at += 2) {
        if (!is_address(at[1])) {
            complaint = at[1];
            aggr_failure_set(why, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE,
                             "resolve: '%.80s' is not an IP address", complaint);
        }
    }
    return !complaint;
}

static char *copy(const char *text)
{
    return text ? aggr_mem_strdup(text) : NULL;
}

static char **copy_table(const char *const *table)
{
    size_t len = 0;
    while (table && table[len])
        len++;
    char **out = aggr_mem_new(len + 1, sizeof *out);
    for (size_t i = 0; i < len; i++)
        out[i] = aggr_mem_strdup(table[i]);
    return out;
}

static struct aggr_policy *compile(const struct aggr_policy_options *options,
                                   struct aggr_failure *why)
{
    struct aggr_proxy *proxy = NULL;
    if (!check_options(options, why))
        return NULL;
    if (options->proxy && *options->proxy && !(proxy = proxy_parse(options->proxy, why)))
        return NULL;
    struct aggr_policy *policy = aggr_mem_new(1, sizeof *policy);
    policy->http = options->http;
    policy->insecure = options->insecure;
    policy->direct = options->proxy && !*options->proxy;
    policy->ca = copy(options->ca);
    policy->cert = copy(options->cert);
    policy->key = copy(options->key);
    policy->server_name = copy(options->server_name);
    policy->unix_socket = copy(options->unix_socket);
    policy->proxy = proxy;
    policy->resolve = copy_table(options->resolve);
    return policy;
}

const struct aggr_policy *aggr_policy_intern(struct aggr_policy_set *set,
                                             const struct aggr_policy_options *options,
                                             struct aggr_failure *why)
{
    char *fingerprint = fingerprint_of(options);
    for (unsigned i = 0; i < set->len; i++) {
        if (strcmp(set->policies[i]->fingerprint, fingerprint) == 0) {
            free(fingerprint);
            return set->policies[i];
        }
    }
    struct aggr_policy *policy = compile(options, why);
    if (!policy) {
        free(fingerprint);
        return NULL;
    }
    policy->fingerprint = fingerprint;
    policy->set = set;
    policy->id = set->len;
    set->policies = realloc(set->policies, (set->len + 1) * sizeof *set->policies);
    AGGR_CHECK(set->policies);
    return set->policies[set->len++] = policy;
}

/* An entry of no_proxy covers the host itself and all names below it. */
static bool covers(const char *entry, size_t len, const char *host)
{
    size_t host_len = strlen(host);
    if (len > 0 && *entry == '.')
        entry++, len--;
    if (len == 1 && *entry == '*')
        return true;
    if (len == 0 || len > host_len || strncasecmp(host + host_len - len, entry, len) != 0)
        return false;
    return len == host_len || host[host_len - len - 1] == '.';
}

static bool is_exempt(const struct aggr_policy_set *set, const char *host)
{
    const char *at = set->no_proxy;
    if (!at)
        return false;
    for (;;) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ", \t");
        if (len == 0)
            return false;
        if (covers(at, len, host))
            return true;
        at += len;
    }
}

static const char *fixed_address(const struct aggr_policy *policy, const char *host)
{
    for (char **at = policy->resolve; *at; at += 2) {
        if (strcasecmp(at[0], host) == 0)
            return at[1];
    }
    return is_address(host) ? host : NULL;
}

/* The environment's proxy for a URL, or NULL when the request goes straight. */
static const struct environment *environment_for(const struct aggr_policy_set *set,
                                                 const struct aggr_url *url, const char *address)
{
    if (is_loopback(url->host) || (address && is_loopback(address)) || is_exempt(set, url->host))
        return NULL;
    return url->https ? &set->https : &set->http;
}

enum aggr_err aggr_policy_route(const struct aggr_policy *policy, const struct aggr_url *url,
                                struct aggr_route *route, struct aggr_failure *why)
{
    *route = (struct aggr_route){
        .unix_socket = policy->unix_socket, .host = url->host, .port = url->port};
    if (route->unix_socket)
        return AGGR_OK;
    route->address = fixed_address(policy, url->host);
    route->proxy = policy->proxy;
    if (!policy->proxy && !policy->direct) {
        const struct environment *environment = environment_for(policy->set, url, route->address);
        route->proxy = environment ? environment->proxy : NULL;
        if (environment && environment->failure.code) {
            *why = environment->failure;
            return why->code;
        }
    }
    if (!route->proxy)
        return AGGR_OK;
    route->host = route->proxy->host;
    route->port = route->proxy->port;
    route->address = route->proxy->literal ? route->host : NULL;
    return AGGR_OK;
}
