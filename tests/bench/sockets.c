/* sockets.c -- the floor: many GETs of one URL with nothing but sockets, epoll and coroutines.
 *
 *   sockets URL TOTAL CONCURRENCY
 *
 * What a sensible programmer would write who knows that the server is there, speaks HTTP/1.1 with
 * Content-Length and keeps its connections: no time limits, no chunks, no redirects, no second
 * attempts, no TLS. Anything unexpected ends the process. For what it prints see workload.h.
 *
 * A connection is registered once, edge-triggered, for its whole life. What comes is parsed where
 * it was read to; the rest of the program's memory is a struct per connection and its coroutine.
 */
#include "workload.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ = 64 * 1024, EVENTS = 512 };

struct connection {
    struct workload_call call;
    int fd;
    bool connected;
    char *kept; /* the part of a response that has come so far; NULL when it came in one piece */
    size_t kept_len;
};

struct answer {
    int status;
    const char *body;
    size_t len;
};

static struct sockaddr_in server;
static char head[1024];
static size_t head_len;
static int poller;

/* http://ADDRESS:PORT/PATH, the address in figures. */
static void read_url(const char *url)
{
    char host[64];
    int port, path = 0;
    if (sscanf(url, "http://%63[0-9.]:%d%n", host, &port, &path) != 2 ||
        inet_pton(AF_INET, host, &server.sin_addr) != 1)
        workload_die("the URL must be http://ADDRESS:PORT/PATH");
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)port);
    head_len = (size_t)snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: %s:%d\r\n\r\n",
                                url + path, host, port);
    if (head_len >= sizeof head)
        workload_die("the URL is too long");
}

static void dial(struct connection *connection)
{
    int yes = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        workload_die("no socket");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
    if (connect(connection->fd, (struct sockaddr *)&server, sizeof server) != 0 &&
        errno != EINPROGRESS)
        workload_die("cannot connect");
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        workload_die("cannot watch a socket");
}

static void ask(struct connection *connection)
{
    if (write(connection->fd, head, head_len) != (ssize_t)head_len)
        workload_die("cannot write");
}

static size_t content_length(const char *line, const char *end)
{
    static const char name[] = "\r\nContent-Length:";
    while (line && end - line >= (ptrdiff_t)sizeof name) {
        if (strncasecmp(line, name, sizeof name - 1) == 0)
            return strtoul(line + sizeof name - 1, NULL, 10);
        line = memchr(line + 1, '\r', (size_t)(end - line - 1));
    }
    workload_die("a response without Content-Length");
}

/* Whether the bytes are a whole response; then `answer` points into them. */
static bool parse(const char *bytes, size_t len, struct answer *answer)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (!end)
        return false;
    if (sscanf(bytes, "HTTP/1.1 %3d", &answer->status) != 1)
        workload_die("not an HTTP/1.1 response");
    answer->body = end + 4;
    answer->len = content_length(memchr(bytes, '\r', len), end);
    size_t have = len - (size_t)(answer->body - bytes);
    if (have > answer->len)
        workload_die("more than one response");
    return have == answer->len;
}

static void keep(struct connection *connection, const char *bytes, size_t len)
{
    connection->kept = realloc(connection->kept, connection->kept_len + len + 1);
    if (!connection->kept)
        workload_die("out of memory");
    memcpy(connection->kept + connection->kept_len, bytes, len);
    connection->kept_len += len;
    connection->kept[connection->kept_len] = '\0';
}

static void take(struct connection *connection, const char *bytes, size_t len)
{
    struct answer answer;
    if (connection->kept) {
        keep(connection, bytes, len);
        bytes = connection->kept;
        len = connection->kept_len;
    }
    if (!parse(bytes, len, &answer)) {
        if (!connection->kept)
            keep(connection, bytes, len);
        return;
    }
    workload_answer(&connection->call, answer.status == 200, answer.body, answer.len);
    free(connection->kept);
    connection->kept = NULL;
    connection->kept_len = 0;
    if (workload_begin(&connection->call))
        ask(connection);
}

/* A short read has emptied the socket: edge-triggered, epoll tells when more comes. */
static void on_readable(struct connection *connection)
{
    static char bytes[READ + 1];
    ssize_t got;
    do {
        got = read(connection->fd, bytes, READ);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            workload_die("a connection was lost");
        if (got > 0) {
            bytes[got] = '\0';
            take(connection, bytes, (size_t)got);
        }
    } while (got == READ);
}

static void on_event(struct connection *connection, uint32_t events)
{
    if (!connection->connected && (events & EPOLLOUT)) {
        connection->connected = true;
        ask(connection);
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        on_readable(connection);
}

int main(int argc, char **argv)
{
    workload_open(argc, argv);
    read_url(workload_url());
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections = calloc((size_t)workload_concurrency(), sizeof *connections);
    if (poller < 0 || !connections)
        workload_die("cannot begin");
    for (long i = 0; i < workload_concurrency() && workload_begin(&connections[i].call); i++)
        dial(&connections[i]);
    while (workload_runs()) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < count; i++)
            on_event(events[i].data.ptr, events[i].events);
    }
    return workload_close();
}
