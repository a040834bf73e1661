/* The curl transport against real sockets: connections used again, cancels in each phase, stale
 * connections, raw heads, names never resolved by curl. */
#include "check.h"
#include "io/fetch.h"
#include "server.h"
#include <signal.h>

enum { MANY = 120 };

static struct aggr_runtime rt;
static const struct aggr_policy *policy;
static int ended;
static atomic_int lookups;
static atomic_int held; /* connections that wait for the peer to go away */

static int serve(struct server *self, int fd, const char *path)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char line[128];
    (void)self;
    if (strcmp(path, "/ok") == 0)
        return server_write(fd, ok);
    if (strcmp(path, "/interim") == 0)
        return server_write(fd,
                            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\n") &&
               server_write(fd, ok);
    if (strcmp(path, "/interims") == 0) {
        for (int i = 0; i < 100 && server_write(fd, "HTTP/1.1 102 Wait\r\n\r\n"); i++)
            ;
        return server_write(fd, ok);
    }
    if (strcmp(path, "/chunked") == 0)
        return server_write(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "2\r\nok\r\n0\r\nX-Last: HTTP/1.1 500 no\r\n\r\n");
    if (strcmp(path, "/stale") == 0) {
        server_write(fd, ok);
        return 0;
    }
    if (strcmp(path, "/flood") == 0) {
        server_write(fd, "HTTP/1.1 200 OK\r\n");
        memset(line, 'x', sizeof line);
        memcpy(line, "X: ", 3);
        memcpy(line + sizeof line - 3, "\r\n", 3);
        for (int i = 0; i < 4000 && server_write(fd, line); i++)
            ;
        return 0;
    }
    if (strcmp(path, "/silent") == 0 || strcmp(path, "/half") == 0) {
        if (strcmp(path, "/half") == 0)
            server_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        held++;
        ssize_t got = read(fd, line, 1); /* until the peer is gone */
        held--;
        return got > 0;
    }
    if (strcmp(path, "/cut") == 0)
        server_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut");
    return 0; /* "/gone": not a byte */
}

static int resolve(const char *name, const char *service, const struct addrinfo *hints,
                   struct addrinfo **found)
{
    struct addrinfo numeric = *hints;
    (void)service;
    lookups++;
    if (strncmp(name, "no", 2) == 0)
        return EAI_NONAME;
    numeric.ai_flags = AI_NUMERICHOST;
    return getaddrinfo("127.0.0.1", NULL, &numeric, found);
}

static void open_runtime(unsigned concurrency)
{
    struct aggr_policy_options plain = {0};
    struct aggr_failure why = {0};
    struct aggr_runtime_options options = {
        .mode = AGGR_ROUTER_CURL,
        .concurrency = concurrency, .per_host = concurrency, .resolve = resolve};
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

static struct aggr_fetch *begin(const struct server *server, const char *host, const char *path)
{
    char url[256];
    snprintf(url, sizeof url, "http://%s:%d%s", host, server->port, path);
    struct aggr_fetch_request request = {.method = "GET",
                                         .url = url,
                                         .url_len = strlen(url),
                                         .headers = "",
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

static void connections_are_used_again(struct server *server)
{
    open_runtime(8);
    int before = server->connections;
    for (int i = 0; i < 20; i++)
        expect(server, "127.0.0.1", "/ok", AGGR_OK, "");
    expect(server, "127.0.0.1", "/chunked", AGGR_OK, "");
    expect(server, "127.0.0.1", "/interim", AGGR_OK, "");
    expect(server, "127.0.0.1", "/ok", AGGR_OK, "");
    CHECK(server->connections == before + 1);
    CHECK(aggr_router_connections(&rt.router) == 1);
    close_runtime();
}

/* More than one multi handle; all of the connections serve the next round. */
static void many_at_once_share_their_connections(struct server *server)
{
    static struct aggr_fetch *fetches[MANY];
    open_runtime(MANY);
    int before = server->connections;
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < MANY; i++)
            fetches[i] = begin(server, "127.0.0.1", "/ok");
        wait_for(round * MANY);
        for (int i = 0; i < MANY; i++) {
            CHECK(aggr_fetch_failure(fetches[i])->code == AGGR_OK);
            aggr_fetch_free(fetches[i]);
        }
    }
    CHECK(server->connections <= before + MANY);
    close_runtime();
}

static void what_breaks_is_named(struct server *server)
{
    open_runtime(8);
    expect(server, "127.0.0.1", "/gone", AGGR_ERR_CONNECT,
           "connection closed before the first byte");
    expect(server, "127.0.0.1", "/cut", AGGR_ERR_TRUNCATED, "connection closed inside the body");
    expect(server, "127.0.0.1", "/flood", AGGR_ERR_PROTOCOL, "response head over 256 KiB");
    expect(server, "127.0.0.1", "/interims", AGGR_ERR_PROTOCOL, "more than 64 interim responses");
    close_runtime();
}

/* The server closes after each answer; curl finds out on the next request and connects anew. */
static void a_stale_connection_is_replaced(struct server *server)
{
    open_runtime(8);
    for (int i = 0; i < 10; i++)
        expect(server, "127.0.0.1", "/stale", AGGR_OK, "");
    close_runtime();
}

static void names_are_looked_up_by_us_alone(struct server *server)
{
    open_runtime(8);
    for (int i = 0; i < 5; i++)
        expect(server, "one.test", "/ok", AGGR_OK, "");
    CHECK(lookups == 1);
    expect(server, "two.test", "/ok", AGGR_OK, "");
    CHECK(lookups == 2);
    expect(server, "no.test", "/ok", AGGR_ERR_DNS,
           "no address for no.test: Name or service not known");
    close_runtime();
}

static void a_refused_connection_names_the_peer(void)
{
    struct server closed = {.serve = serve};
    char text[64];
    server_start(&closed);
    server_stop(&closed);
    open_runtime(8);
    snprintf(text, sizeof text, "connection refused by 127.0.0.1:%d", closed.port);
    expect(&closed, "127.0.0.1", "/", AGGR_ERR_CONNECT, text);
    expect(&closed, "api.test", "/", AGGR_ERR_CONNECT, text);
    close_runtime();
}

/* In the turn of the cancel the socket is gone on our side, and soon on the server's. */
static void cancelling_closes_the_socket(struct server *server)
{
    static const char *const paths[] = {"/silent", "/half"};
    for (int i = 0; i < 2; i++) {
        open_runtime(8);
        struct aggr_fetch *fetch = begin(server, "127.0.0.1", paths[i]);
        while (held == 0 || (i == 1 && aggr_fetch_response(fetch)->body.len == 0))
            aggr_loop_turn(&rt.loop, false);
        aggr_fetch_cancel(fetch);
        CHECK(aggr_router_connections(&rt.router) == 0);
        while (held > 0)
            sched_yield();
        aggr_fetch_free(fetch);
        CHECK(ended == 0);
        expect(server, "127.0.0.1", "/ok", AGGR_OK, "");
        close_runtime();
    }
}

static void cancelling_before_the_connection_is_up_leaves_nothing(struct server *server)
{
    open_runtime(8);
    for (int turns = 0; turns < 4; turns++) {
        struct aggr_fetch *fetch = begin(server, turns % 2 ? "api.test" : "127.0.0.1", "/silent");
        for (int i = 0; i < turns; i++)
            aggr_loop_turn(&rt.loop, false);
        aggr_fetch_cancel(fetch);
        aggr_fetch_free(fetch);
        CHECK(ended == 0);
    }
    expect(server, "api.test", "/ok", AGGR_OK, "");
    close_runtime();
}

/* The last of many that end at once must not be lost (facts 5). */
static void the_last_message_is_drained(struct server *server)
{
    static struct aggr_fetch *fetches[MANY];
    open_runtime(MANY);
    for (int i = 0; i < MANY; i++)
        fetches[i] = begin(server, "127.0.0.1", i % 3 ? "/gone" : "/cut");
    wait_for(MANY);
    for (int i = 0; i < MANY; i++)
        aggr_fetch_free(fetches[i]);
    CHECK(aggr_router_connections(&rt.router) == 0);
    close_runtime();
}

int main(void)
{
    struct server server = {.serve = serve};
    signal(SIGPIPE, SIG_IGN);
    alarm(60);
    server_start(&server);
    connections_are_used_again(&server);
    many_at_once_share_their_connections(&server);
    what_breaks_is_named(&server);
    a_stale_connection_is_replaced(&server);
    names_are_looked_up_by_us_alone(&server);
    a_refused_connection_names_the_peer();
    cancelling_closes_the_socket(&server);
    cancelling_before_the_connection_is_up_leaves_nothing(&server);
    the_last_message_is_drained(&server);
    server_stop(&server);
    return check_report();
}
