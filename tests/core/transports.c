/* Both transports against real sockets: connections used again, stale ones, raw heads, names never
 * resolved by curl, addresses that race. */
#include "fetches.h"
#include <sys/un.h>

enum { MANY = 120 };

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
        (void)!recv(fd, line, 1, MSG_PEEK); /* closed on the next request, unread: a reset */
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
    if (strcmp(path, "/reset") == 0) {
        struct linger abrupt = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
        server_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        return 0;
    }
    if (strcmp(path, "/cut") == 0)
        server_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut");
    return 0; /* "/gone": not a byte */
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

/* Bytes and a reset that are there at once: libuv tells of them once, and then no more. */
static void a_reset_behind_bytes_is_seen(struct server *server)
{
    open_runtime(8);
    int before = server->requests;
    struct aggr_fetch *fetch = begin(server, "127.0.0.1", "/reset");
    while (server->requests == before)
        aggr_loop_turn(&rt.loop, false);
    while (server->open > 0)
        sched_yield();
    wait_for(1);
    CHECK(aggr_fetch_failure(fetch)->code == AGGR_ERR_TRUNCATED);
    CHECK_STR(aggr_fetch_failure(fetch)->text, "connection reset inside the body");
    aggr_fetch_free(fetch);
    close_runtime();
}

/* The server closes after each answer, which shows on the next request. As often as it likes:
 * libcurl adds up its retries over all the requests of a handle. */
static void a_stale_connection_is_replaced(struct server *server)
{
    open_runtime(8);
    for (int i = 0; i < 30; i++)
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

/* 127.0.0.2 with the server's port: takes no more connections, or refuses them. */
static int deaf_listener(const struct server *server, int *queued)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(listener, 0) == 0);
    for (int i = 0; i < 4; i++) {
        queued[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(queued[i], (struct sockaddr *)&address, sizeof address);
    }
    return listener;
}

static void addresses_race(struct server *server)
{
    int queued[4];
    open_runtime(8);
    expect(server, "two-refused.test", "/ok", AGGR_OK, "");
    expect(server, "two-v6.test", "/ok", AGGR_OK, "");
    int listener = deaf_listener(server, queued);
    uint64_t began_ns = aggr_loop_now(&rt.loop);
    expect(server, "two-deaf.test", "/ok", AGGR_OK, "");
    uint64_t took_ns = aggr_loop_now(&rt.loop) - began_ns;
    CHECK(took_ns >= 200 * AGGR_NS_PER_MS);
    CHECK(aggr_router_connections(&rt.router) == 3);
    struct aggr_fetch *fetch = begin(server, "two-deaf2.test", "/ok");
    for (int i = 0; i < 20; i++)
        aggr_loop_turn(&rt.loop, false);
    aggr_fetch_cancel(fetch);
    aggr_fetch_free(fetch);
    close_runtime();
    for (int i = 0; i < 4; i++)
        close(queued[i]);
    close(listener);
}

static void a_unix_socket_is_as_good(void)
{
    char folder[] = "/tmp/aggr-unix-XXXXXX";
    struct aggr_policy_options options = {0};
    struct aggr_failure why = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct server server = {.serve = serve, .port = 80};
    CHECK(mkdtemp(folder));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    options.unix_socket = address.sun_path;
    open_runtime(8);
    policy = aggr_policy_intern(rt.policies, &options, &why);
    char text[160];
    snprintf(text, sizeof text, "there is no socket %s", address.sun_path);
    expect(&server, "any.test", "/ok", AGGR_ERR_CONNECT, text);
    server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(server.listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(server.listener, 8) == 0);
    pthread_create(&server.thread, NULL, server_accept, &server);
    expect(&server, "any.test", "/ok", AGGR_OK, "");
    expect(&server, "any.test", "/chunked", AGGR_OK, "");
    CHECK(server.connections == 1);
    close_runtime();
    server_stop(&server);
    unlink(address.sun_path);
    rmdir(folder);
}

static void run(struct server *server)
{
    connections_are_used_again(server);
    many_at_once_share_their_connections(server);
    what_breaks_is_named(server);
    a_reset_behind_bytes_is_seen(server);
    a_stale_connection_is_replaced(server);
    names_are_looked_up_by_us_alone(server);
    a_refused_connection_names_the_peer();
    the_last_message_is_drained(server);
    if (mode == AGGR_ROUTER_NATIVE) /* curl takes addresses of one family in turn */
        addresses_race(server);
    a_unix_socket_is_as_good();
}

int main(void)
{
    struct server server = {.serve = serve};
    return with_each_transport(&server, run);
}
