/* Cancels in each phase, on both transports: in the turn of the cancel the socket is gone on our
 * side, and soon on the server's (R25). */
#include "fetches.h"

static atomic_int held; /* connections that wait for the peer to go away */
static atomic_int deaf; /* as long as it is set, nobody reads what "/deaf" is sent */

static int serve(struct server *self, int fd, const char *path)
{
    char line[128];
    (void)self;
    if (strcmp(path, "/ok") == 0)
        return server_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (strcmp(path, "/silent") == 0 || strcmp(path, "/half") == 0) {
        if (strcmp(path, "/half") == 0)
            server_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        held++;
        ssize_t got = read(fd, line, 1); /* until the peer is gone */
        held--;
        return got > 0;
    }
    if (strcmp(path, "/deaf") == 0) {
        held++;
        while (deaf)
            sched_yield();
        while (read(fd, line, sizeof line) > 0)
            ;
        held--;
        return 0;
    }
    return 0;
}

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

/* Without another turn of the loop. */
static void cancel_in(struct server *server, struct aggr_fetch *fetch, enum aggr_phase phase)
{
    while (!fetch->exchange || fetch->transport->ops->phase(fetch->exchange) != phase)
        aggr_loop_turn(&rt.loop, false);
    aggr_fetch_cancel(fetch);
    CHECK(aggr_router_connections(&rt.router) == 0);
    deaf = 0;
    while (server->open > 0)
        sched_yield();
    aggr_fetch_free(fetch);
    CHECK(ended == 0);
}

static void cancelling_in_tls_and_write_closes_the_socket(struct server *server)
{
    enum { LARGE = 12 << 20 };
    char *body = calloc(1, LARGE);
    open_runtime(8);
    cancel_in(server, begin_with(server, "https://127.0.0.1", "/", NULL, 0), AGGR_PHASE_TLS);
    deaf = 1;
    struct aggr_fetch *fetch = begin_with(server, "http://127.0.0.1", "/deaf", body, LARGE);
    while (held == 0)
        aggr_loop_turn(&rt.loop, false);
    cancel_in(server, fetch, AGGR_PHASE_WRITE);
    expect(server, "127.0.0.1", "/ok", AGGR_OK, "");
    close_runtime();
    free(body);
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

static void run(struct server *server)
{
    cancelling_closes_the_socket(server);
    cancelling_in_tls_and_write_closes_the_socket(server);
    cancelling_before_the_connection_is_up_leaves_nothing(server);
}

int main(void)
{
    struct server server = {.serve = serve};
    return with_each_transport(&server, run);
}
