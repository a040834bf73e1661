/* When a connection is used again, and when it is closed instead: what its server has said of it or
 * does while it is idle, and answers that come before the request has been sent. */
#include "check.h"
#include "io/fetch.h"
#include "server.h"
#include "virtual.h"
#include <signal.h>

enum { UPLOAD = 16 << 20 }; /* more than the buffers of two sockets hold */

static struct aggr_runtime rt;
static enum aggr_router_mode mode; /* of the transport in turn */
static const struct aggr_policy *policy;
static char *upload;
static atomic_int go;   /* the server may go on */
static atomic_int said; /* it has sent something that nobody asked for */

static void await_go(void)
{
    while (!go)
        sched_yield();
}

/* Its connections have been closed by us. */
static void settle(struct server *server)
{
    go = 1;
    while (server->open > 0)
        sched_yield();
    go = 0;
}

/* False: it ended before. */
static int swallow(int fd, size_t len)
{
    static _Thread_local char bytes[65536];
    while (len > 0) {
        ssize_t got = read(fd, bytes, len < sizeof bytes ? len : sizeof bytes);
        if (got <= 0)
            return 0;
        len -= (size_t)got;
    }
    return 1;
}

static int serve(struct server *self, int fd, const char *path)
{
    static const char answer[] = "HTTP/1.1 %s\r\n%sContent-Length: 2\r\n\r\nok";
    char text[256], rest[4096];
    (void)self;
    const char *field = strstr(path, "hint") ? "Keep-Alive: timeout=5\r\n" : "";
    snprintf(text, sizeof text, answer, strstr(path, "413") ? "413 Too Large" : "200 OK", field);
    server_write(fd, text);
    if (strcmp(path, "/ahead") == 0)
        return swallow(fd, UPLOAD);
    if (strncmp(path, "/early", 6) == 0) {
        if (strstr(path, "keep"))
            await_go(); /* not reading */
        while (strstr(path, "keep") && read(fd, rest, sizeof rest) > 0)
            ;
        return 0; /* a reset, where something is unread */
    }
    if (strncmp(path, "/idle", 5) == 0)
        await_go();
    if (strcmp(path, "/idle/talk") == 0)
        said = server_write(fd, "HTTP/1.1 408 Idle\r\nContent-Length: 2\r\n\r\nno");
    return strcmp(path, "/idle/close") != 0;
}

static void open_runtime(struct aggr_clock *clock)
{
    struct aggr_policy_options plain = {0};
    struct aggr_failure why = {0};
    struct aggr_runtime_options options = {.mode = mode, .clock = clock};
    CHECK(aggr_runtime_init(&rt, &options) == AGGR_OK);
    policy = aggr_policy_intern(rt.policies, &plain, &why);
}

static void close_runtime(void)
{
    CHECK(aggr_runtime_deinit(&rt) == 0);
}

static void on_end(struct aggr_fetch *fetch, void *owner)
{
    (void)fetch;
    *(bool *)owner = true;
}

/* With a body it is a PUT of that. */
static struct aggr_fetch *begin(int port, const char *path, const char *body, size_t body_len,
                                bool *ended)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    struct aggr_fetch_request request = {.method = body ? "PUT" : "GET",
                                         .url = url,
                                         .url_len = strlen(url),
                                         .headers = "",
                                         .body = body,
                                         .body_len = body_len,
                                         .policy = policy,
                                         .timeout_ns = 10 * AGGR_NS_PER_S,
                                         .connect_timeout_ns = 500 * AGGR_NS_PER_MS,
                                         .idle_timeout_ns = AGGR_NEVER,
                                         .max_body_bytes = 1 << 20};
    *ended = false;
    struct aggr_fetch *fetch = aggr_fetch_new(&rt, &request, on_end, ended);
    aggr_fetch_start(fetch);
    return fetch;
}

static void expect(const struct server *server, const char *path, const char *body, size_t body_len,
                   int status)
{
    bool ended;
    struct aggr_fetch *fetch = begin(server->port, path, body, body_len, &ended);
    while (!ended)
        aggr_loop_turn(&rt.loop, true);
    CHECK_STR(aggr_fetch_failure(fetch)->text, "");
    CHECK(aggr_fetch_response(fetch)->status == status);
    CHECK(aggr_fetch_response(fetch)->body.len == 2);
    aggr_fetch_free(fetch);
}

static void what_the_server_says_while_it_is_idle_closes_it(struct server *server)
{
    static const char *const paths[] = {"/idle/close", "/idle/talk"};
    for (int i = 0; i < 2; i++) {
        open_runtime(NULL);
        expect(server, paths[i], NULL, 0, 200);
        CHECK(aggr_router_connections(&rt.router) == 1);
        go = 1;
        while (aggr_router_connections(&rt.router) > 0)
            aggr_loop_turn(&rt.loop, true);
        settle(server);
        close_runtime();
    }
}

static void what_came_while_it_was_idle_is_nobodys_answer(struct server *server)
{
    open_runtime(NULL);
    said = 0;
    expect(server, "/idle/talk", NULL, 0, 200);
    go = 1;
    while (!said)
        sched_yield();
    go = 0;
    aggr_loop_turn(&rt.loop, false);
    expect(server, "/", NULL, 0, 200);
    close_runtime();
    settle(server);
}

/* A second before the server would; the clock jumps there, since nothing else is to come. */
static void the_servers_hint_is_kept(struct server *server)
{
    static const struct {
        const char *path;
        uint64_t idle_s;
    } cases[] = {{"/hint", 4}, {"/", 60}};
    for (int i = 0; i < 2; i++) {
        struct virtual_clock clock = virtual_clock_at(AGGR_NS_PER_S);
        open_runtime(&clock.clock);
        expect(server, cases[i].path, NULL, 0, 200);
        CHECK(aggr_router_connections(&rt.router) == 1);
        CHECK(!aggr_loop_pending(&rt.loop));
        aggr_loop_turn(&rt.loop, true);
        CHECK(aggr_router_connections(&rt.router) == 0);
        CHECK(clock.now_ns == (1 + cases[i].idle_s) * AGGR_NS_PER_S);
        close_runtime();
    }
}

/* What is left of the request would be taken for the next one. libcurl reads no more once sending
 * has failed. */
static void an_answer_ahead_of_its_request_is_taken(struct server *server)
{
    static const struct {
        const char *path;
        int status;
        bool curl;
    } cases[] = {{"/early/413/keep", 413, true},
                 {"/early/413/close", 413, false},
                 {"/early/200/close", 200, false}};
    open_runtime(NULL);
    for (int i = 0; i < 20; i++) {
        if (mode == AGGR_ROUTER_CURL && !cases[i % 3].curl)
            continue;
        int before = server->connections;
        expect(server, "/", NULL, 0, 200); /* so that it is a connection used again */
        expect(server, cases[i % 3].path, upload, UPLOAD, cases[i % 3].status);
        CHECK(aggr_router_connections(&rt.router) == 0);
        CHECK(server->connections == before + 1);
        settle(server);
    }
    close_runtime();
}

/* A server that has not refused it may still be at work on it. */
static void the_rest_of_a_request_follows_its_answer(struct server *server)
{
    int before = server->connections;
    open_runtime(NULL);
    expect(server, "/ahead", upload, UPLOAD, 200);
    expect(server, "/ahead", upload, UPLOAD, 200);
    expect(server, "/", NULL, 0, 200);
    CHECK(server->connections == before + 1);
    close_runtime();
    settle(server);
}

/* A listener whose one connection has served a request, and that takes no more. */
static int begin_alone(int *listener, int *queued)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    bool ended;
    *listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(*listener, (struct sockaddr *)&address, len) == 0 && listen(*listener, 0) == 0);
    CHECK(getsockname(*listener, (struct sockaddr *)&address, &len) == 0);
    struct aggr_fetch *fetch = begin(ntohs(address.sin_port), "/", NULL, 0, &ended);
    int fd = accept(*listener, NULL, NULL);
    CHECK(server_write(fd, ok));
    while (!ended)
        aggr_loop_turn(&rt.loop, true);
    CHECK(aggr_fetch_response(fetch)->status == 200);
    aggr_fetch_free(fetch);
    for (int i = 0; i < 4; i++) {
        queued[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(queued[i], (struct sockaddr *)&address, len);
    }
    return fd;
}

/* What may be sent again goes to another connection, which has a time-out of its own to stand. */
static void the_connection_in_its_place_has_a_time_out(void)
{
    int listener, queued[4];
    bool ended;
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    open_runtime(NULL);
    int fd = begin_alone(&listener, queued);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    struct aggr_fetch *fetch = begin(ntohs(address.sin_port), "/", NULL, 0, &ended);
    close(fd); /* a reset: nothing of the requests was read */
    while (!ended)
        aggr_loop_turn(&rt.loop, true);
    CHECK_STR(aggr_fetch_failure(fetch)->text, "no connection to 127.0.0.1 within 500 ms");
    CHECK(aggr_fetch_failure(fetch)->phase == AGGR_PHASE_CONNECT);
    struct aggr_fetch_timing timing;
    aggr_fetch_timing(fetch, &timing);
    CHECK(timing.connect >= 500 * AGGR_NS_PER_MS);
    aggr_fetch_free(fetch);
    close_runtime();
    for (int i = 0; i < 4; i++)
        close(queued[i]);
    close(listener);
}

int main(void)
{
    struct server server = {.serve = serve};
    signal(SIGPIPE, SIG_IGN);
    alarm(60);
    upload = calloc(1, UPLOAD);
    server_start(&server);
    mode = AGGR_ROUTER_NATIVE;
    what_the_server_says_while_it_is_idle_closes_it(&server);
    the_servers_hint_is_kept(&server);
    an_answer_ahead_of_its_request_is_taken(&server);
    the_rest_of_a_request_follows_its_answer(&server);
    the_connection_in_its_place_has_a_time_out();
    what_came_while_it_was_idle_is_nobodys_answer(&server);
    mode = AGGR_ROUTER_CURL;
    what_came_while_it_was_idle_is_nobodys_answer(&server);
    an_answer_ahead_of_its_request_is_taken(&server);
    the_rest_of_a_request_follows_its_answer(&server);
    server_stop(&server);
    free(upload);
    return check_report();
}
