/* sockets.h -- watches by descriptor: one per socket for the socket's whole life (facts 6).
 *
 * Owns the watches; borrows the loop and each socket's user, who may change.
 *
 *   opened -> watch <-> idle -> close        opened -> watch -> idle (closed without a word)
 */
#pragma once
#include "io/loop.h"

/* Whoever waits for events of a socket. */
struct aggr_socket_user {
    void (*on_event)(struct aggr_socket_user *self, int fd, int events, bool failed);
};

struct aggr_sockets {
    struct aggr_loop *loop;
    struct aggr_socket_slot *slots; /* owned, by descriptor */
    size_t len;
    unsigned open; /* sockets opened and not yet closed */
};

/* All are closed. */
void aggr_sockets_deinit(struct aggr_sockets *sockets);

/* A TCP or Unix socket, or -1 with errno. */
int aggr_sockets_open(struct aggr_sockets *sockets, int family, int type, int protocol);

/* Wait for `mask` on behalf of `user`. A descriptor that was not opened here is watched until it
 * is idle: nobody tells when it is closed. */
enum aggr_err aggr_sockets_watch(struct aggr_sockets *sockets, int fd, int mask,
                                 struct aggr_socket_user *user);
void aggr_sockets_idle(struct aggr_sockets *sockets, int fd);

/* Nothing may come from the socket, when it is idle, until it is watched again: what is there
 * already, or comes, ends its connection, and whoever looks at the socket then sees that. */
void aggr_sockets_seal(struct aggr_sockets *sockets, int fd);

/* As close(2). */
int aggr_sockets_close(struct aggr_sockets *sockets, int fd);
