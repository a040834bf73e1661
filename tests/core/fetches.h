/* fetches.h -- fetches from a server on loopback by the transport in turn, for tests. */
#pragma once
#include "check.h"
#include "io/fetch.h"
#include "server.h"
#include <signal.h>

static struct aggr_runtime rt;
static enum aggr_router_mode mode; /* of the transport in turn */
static const struct aggr_policy *policy;
static int ended;
static atomic_int lookups;

static int resolve(const char *name, const char *service, const struct addrinfo *hints,
                   struct addrinfo **found)
{
    struct addrinfo numeric = *hints;
    (void)service;
    lookups++;
    if (strncmp(name, "no", 2) == 0)
        return EAI_NONAME;
    numeric.ai_flags = AI_NUMERICHOST;
    int code = getaddrinfo("127.0.0.1", NULL, &numeric, found);
    if (code == 0 && strncmp(name, "two-", 4) == 0) { /* another address comes first */
        struct addrinfo *second = *found;
        code = getaddrinfo(name[4] == 'v' ? "::1" : "127.0.0.2", NULL, &numeric, found);
        (*found)->ai_next = second;
    }
    return code;
}

static void open_runtime(unsigned concurrency)
{
    struct aggr_policy_options plain = {0};
    struct aggr_failure why = {0};
    struct aggr_runtime_options options = {
        .mode = mode, .concurrency = concurrency, .per_host = concurrency, .resolve = resolve};
    CHECK(aggr_runtime_init(&rt, &options) == AGGR_OK);
    policy = aggr_policy_intern(rt.policies, &plain, &why);
    ended = 0;
    lookups = 0;
}

static void close_runtime(void)
{
    CHECK(rt.loop.in_flight == 0);
    CHECK(aggr_gate_stats(rt.gate).in_use == 0);
    CHECK(aggr_runtime_deinit(&rt) == 0);
}

static void on_end(struct aggr_fetch *fetch, void *owner)
{
    (void)fetch;
    ++*(int *)owner;
}

/* `body` may be NULL. */
static struct aggr_fetch *begin_with(const struct server *server, const char *base,
                                     const char *path, const char *body, size_t len)
{
    char url[256];
    snprintf(url, sizeof url, "%s:%d%s", base, server->port, path);
    struct aggr_fetch_request request = {.method = body ? "POST" : "GET",
                                         .url = url,
                                         .url_len = strlen(url),
                                         .headers = "",
                                         .body = body,
                                         .body_len = len,
                                         .policy = policy,
                                         .timeout_ns = 20 * AGGR_NS_PER_S,
                                         .connect_timeout_ns = 20 * AGGR_NS_PER_S,
                                         .idle_timeout_ns = AGGR_NEVER,
                                         .max_body_bytes = 1 << 20,
                                         .redirects = 10};
    struct aggr_fetch *fetch = aggr_fetch_new(&rt, &request, on_end, &ended);
    aggr_fetch_start(fetch);
    return fetch;
}

static struct aggr_fetch *begin(const struct server *server, const char *host, const char *path)
{
    char base[128];
    snprintf(base, sizeof base, "http://%s", host);
    return begin_with(server, base, path, NULL, 0);
}

static void wait_for(int count)
{
    while (ended < count)
        aggr_loop_turn(&rt.loop, true);
}

static void expect(struct server *server, const char *host, const char *path, enum aggr_err code,
                   const char *text)
{
    int before = ended;
    struct aggr_fetch *fetch = begin(server, host, path);
    wait_for(before + 1);
    const struct aggr_response *response = aggr_fetch_response(fetch);
    CHECK(aggr_fetch_failure(fetch)->code == code);
    CHECK_STR(aggr_fetch_failure(fetch)->text, text);
    if (code == AGGR_OK)
        CHECK(response->status == 200 && response->body.len == 2 &&
              memcmp(response->body.data, "ok", 2) == 0);
    aggr_fetch_free(fetch);
}

/* Calls `run` with the server once per transport. */
static int with_each_transport(struct server *server, void (*run)(struct server *server))
{
    signal(SIGPIPE, SIG_IGN);
    alarm(60);
    server_start(server);
    for (int i = 0; i < 2; i++) {
        mode = i == 0 ? AGGR_ROUTER_NATIVE : AGGR_ROUTER_CURL;
        run(server);
    }
    server_stop(server);
    return check_report();
}
