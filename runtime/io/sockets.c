#include "io/sockets.h"
#include "base/list.h"
#include "base/mem.h"
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct socket_watch {
    struct aggr_watch watch;
    struct aggr_socket_user *user;
    int fd;
    bool sealed;
};

struct aggr_socket_slot {
    struct socket_watch *watch;
    bool opened;    /* by aggr_sockets_open */
    bool connected; /* has been seen to be: closed by aggr_sockets_close alone */
};

static void on_watch_closed(struct aggr_watch *watch)
{
    free(AGGR_LIST_ENTRY(watch, struct socket_watch, watch));
}

static void on_watch_event(struct aggr_watch *self, int events, bool failed)
{
    struct socket_watch *watch = AGGR_LIST_ENTRY(self, struct socket_watch, watch);
    watch->user->on_event(watch->user, watch->fd, events, failed);
}

static bool is_quiet(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

/* As if the peer had reset it, with nothing left to be read. A Unix socket cannot be disconnected:
 * its peer can send no more, and what has come is thrown away. */
static void disconnect(int fd)
{
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    char bytes[4096];
    shutdown(fd, SHUT_RDWR);
    (void)!connect(fd, &nowhere, sizeof nowhere);
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
}

static void on_watch_stopped(struct aggr_watch *self)
{
    struct socket_watch *watch = AGGR_LIST_ENTRY(self, struct socket_watch, watch);
    if (watch->sealed && is_quiet(watch->fd)) { /* what the event was for has been read meanwhile */
        aggr_watch_set(self, UV_READABLE);
        aggr_watch_set(self, 0);
    } else if (watch->sealed) {
        disconnect(watch->fd);
    }
}

static void count_gone(struct aggr_sockets *sockets, int fd)
{
    sockets->open--;
    aggr_ledger_gone(&sockets->loop->ledger, AGGR_LEDGER_SOCKETS, (uintptr_t)fd, 1);
}

static struct aggr_socket_slot *slot_of(struct aggr_sockets *sockets, int fd)
{
    if ((size_t)fd >= sockets->len) {
        size_t len = (size_t)fd + 64;
        struct aggr_socket_slot *grown = realloc(sockets->slots, len * sizeof *grown);
        AGGR_CHECK(grown);
        memset(grown + sockets->len, 0, (len - sockets->len) * sizeof *grown);
        sockets->slots = grown;
        sockets->len = len;
    }
    return &sockets->slots[fd];
}

static void unwatch(struct aggr_socket_slot *slot)
{
    if (slot->watch)
        aggr_watch_close(&slot->watch->watch);
    slot->watch = NULL;
}

/* libcurl closes a socket that never connected by itself, without CLOSESOCKETFUNCTION, and only
 * then says that it need not be watched any more. */
static void forget_unconnected(struct aggr_sockets *sockets, struct aggr_socket_slot *slot, int fd)
{
    unwatch(slot);
    if (!slot->opened || fcntl(fd, F_GETFD) >= 0)
        return;
    slot->opened = false;
    count_gone(sockets, fd);
}

void aggr_sockets_deinit(struct aggr_sockets *sockets)
{
    for (int fd = 0; (size_t)fd < sockets->len; fd++)
        forget_unconnected(sockets, &sockets->slots[fd], fd);
    free(sockets->slots);
}

static enum aggr_err watch_slot(struct aggr_sockets *sockets, struct aggr_socket_slot *slot, int fd,
                                int mask, struct aggr_socket_user *user)
{
    if (!slot->watch) {
        struct socket_watch *watch = aggr_mem_new(1, sizeof *watch);
        watch->fd = fd;
        watch->watch.on_event = on_watch_event;
        watch->watch.on_stopped = on_watch_stopped;
        watch->watch.on_closed = on_watch_closed;
        if (aggr_watch_init(sockets->loop, &watch->watch, fd)) {
            free(watch);
            return AGGR_ERR_SYSTEM;
        }
        slot->watch = watch;
    }
    slot->watch->user = user;
    slot->watch->sealed = false;
    aggr_watch_set(&slot->watch->watch, mask);
    return AGGR_OK;
}

/* The socket that had this number is gone, and nobody told. The new one is watched as it was: its
 * user may see no change. */
static void reopen(struct aggr_sockets *sockets, struct aggr_socket_slot *slot, int fd)
{
    int mask = slot->watch ? slot->watch->watch.mask : 0;
    struct aggr_socket_user *user = slot->watch ? slot->watch->user : NULL;
    unwatch(slot);
    if (mask)
        watch_slot(sockets, slot, fd, mask, user);
}

int aggr_sockets_open(struct aggr_sockets *sockets, int family, int type, int protocol)
{
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0)
        return -1;
    struct aggr_socket_slot *slot = slot_of(sockets, fd);
    if (slot->opened) {
        count_gone(sockets, fd);
        reopen(sockets, slot, fd);
    }
    sockets->open++;
    aggr_ledger_made(&sockets->loop->ledger, AGGR_LEDGER_SOCKETS, (uintptr_t)fd, 1, NULL);
    slot->opened = true;
    slot->connected = false;
    return fd;
}

enum aggr_err aggr_sockets_watch(struct aggr_sockets *sockets, int fd, int mask,
                                 struct aggr_socket_user *user)
{
    return watch_slot(sockets, slot_of(sockets, fd), fd, mask, user);
}

static bool is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

void aggr_sockets_idle(struct aggr_sockets *sockets, int fd)
{
    struct aggr_socket_slot *slot = slot_of(sockets, fd);
    if (slot->opened && !slot->connected)
        slot->connected = is_connected(fd);
    if (!slot->connected)
        forget_unconnected(sockets, slot, fd);
    else if (slot->watch)
        aggr_watch_set(&slot->watch->watch, 0);
}

void aggr_sockets_seal(struct aggr_sockets *sockets, int fd)
{
    struct aggr_socket_slot *slot = slot_of(sockets, fd);
    if (!slot->watch || slot->watch->watch.mask != 0)
        return; /* it is not idle: the next one has it already */
    slot->watch->sealed = true;
    if (!is_quiet(fd))
        disconnect(fd);
}

int aggr_sockets_close(struct aggr_sockets *sockets, int fd)
{
    struct aggr_socket_slot *slot = slot_of(sockets, fd);
    unwatch(slot);
    if (slot->opened)
        count_gone(sockets, fd);
    slot->opened = slot->connected = false;
    return close(fd);
}
