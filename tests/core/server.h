/* server.h -- a server on loopback for tests, in a thread: each connection is served by a thread
 * that answers GET /<name> as `serve` says. Counts connections and requests. */
#pragma once
#include "check.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
    int port, listener;
    /* False: the connection is over. `path` is the request's target. */
    int (*serve)(struct server *self, int fd, const char *path);
    atomic_int connections, open, requests;
    pthread_t thread;
};

struct server_connection {
    struct server *server;
    int fd;
};

/* Reads one request head; false at the end of the connection. */
static int server_read_head(int fd, char *out, size_t cap)
{
    size_t len = 0;
    while (len + 1 < cap) {
        ssize_t got = read(fd, out + len, 1);
        if (got <= 0)
            return 0;
        out[++len] = '\0';
        if (len >= 4 && strcmp(out + len - 4, "\r\n\r\n") == 0)
            return 1;
    }
    return 0;
}

static void *server_converse(void *arg)
{
    struct server_connection connection = *(struct server_connection *)arg;
    struct server *self = connection.server;
    char head[4096], path[256];
    free(arg);
    while (server_read_head(connection.fd, head, sizeof head)) {
        self->requests++;
        if (sscanf(head, "%*s %255s", path) != 1 || !self->serve(self, connection.fd, path))
            break;
    }
    close(connection.fd);
    self->open--;
    return NULL;
}

static void *server_accept(void *arg)
{
    struct server *self = arg;
    int fd;
    while ((fd = accept(self->listener, NULL, NULL)) >= 0) {
        struct server_connection *connection = malloc(sizeof *connection);
        pthread_t thread;
        *connection = (struct server_connection){self, fd};
        self->connections++;
        self->open++;
        pthread_create(&thread, NULL, server_converse, connection);
        pthread_detach(thread);
    }
    return NULL;
}

static inline void server_start(struct server *self)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    self->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(self->listener, (struct sockaddr *)&address, len) == 0);
    CHECK(listen(self->listener, 256) == 0);
    CHECK(getsockname(self->listener, (struct sockaddr *)&address, &len) == 0);
    self->port = ntohs(address.sin_port);
    pthread_create(&self->thread, NULL, server_accept, self);
}

/* Its connections have to have been closed by the peer. */
static inline void server_stop(struct server *self)
{
    shutdown(self->listener, SHUT_RDWR);
    pthread_join(self->thread, NULL);
    close(self->listener);
    while (self->open > 0)
        sched_yield();
}

static inline int server_write(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}
