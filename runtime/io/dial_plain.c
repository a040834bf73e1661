#include "io/dial_plain.h"
#include "base/mem.h"
#include "io/addresses.h"
#include "io/peer.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define STAGGER_NS (250 * AGGR_NS_PER_MS)
#define BACKLOG_NS (5 * AGGR_NS_PER_MS)

struct plain_dialer {
    struct aggr_dialer base;
    struct aggr_loop *loop;
};

struct plain_stream {
    struct aggr_stream base;
    struct plain_socket *socket; /* owned; NULL while dialling */
    struct race *race;           /* owned; NULL once it stands */
};

/* A socket and its watch, which outlives it by a turn. */
struct plain_socket {
    struct aggr_watch watch;
    struct aggr_list link; /* among the race's attempts */
    struct aggr_loop *loop;
    struct plain_stream *stream;
    int fd;
};

/* One dialling: the attempts under way and the addresses still to try. */
struct race {
    struct plain_stream *stream;
    struct aggr_loop *loop;
    const void *doer;
    struct aggr_list attempts;
    struct aggr_timer timer; /* for the next address, or to tell of the failure */
    int os_errno;            /* of the last attempt that failed */
    char peer_name[AGGR_PEER_NAME];
    unsigned count, next;
    union aggr_address addresses[];
};

static void on_watch_closed(struct aggr_watch *watch)
{
    free(AGGR_LIST_ENTRY(watch, struct plain_socket, watch));
}

static void socket_free(struct plain_socket *socket)
{
    aggr_list_remove(&socket->link);
    aggr_watch_close(&socket->watch);
    close(socket->fd);
    aggr_ledger_gone(&socket->loop->ledger, AGGR_LEDGER_SOCKETS, (uintptr_t)socket->fd, 1);
}

static void race_free(struct race *race)
{
    struct aggr_list *link;
    while ((link = aggr_list_shift(&race->attempts)))
        socket_free(AGGR_LIST_ENTRY(link, struct plain_socket, link));
    aggr_timer_stop(&race->loop->timers, &race->timer);
    race->stream->race = NULL;
    free(race);
}

static void on_stream_event(struct aggr_watch *watch, int events, bool failed)
{
    struct plain_stream *stream = AGGR_LIST_ENTRY(watch, struct plain_socket, watch)->stream;
    bool writable = (events & UV_WRITABLE) != 0;
    if (failed) /* after this one there are none, yet the error may be behind many bytes */
        aggr_watch_set(watch, watch->mask);
    stream->base.events->on_ready(stream->base.owner, failed || (events & UV_READABLE), writable);
}

static void win(struct race *race, struct plain_socket *socket)
{
    struct plain_stream *stream = race->stream;
    aggr_list_remove(&socket->link);
    stream->socket = socket;
    socket->watch.on_event = on_stream_event;
    aggr_watch_set(&socket->watch, UV_READABLE);
    race_free(race);
    stream->base.events->on_open(stream->base.owner);
}

static void advance(struct race *race);

static void on_attempt_event(struct aggr_watch *watch, int events, bool failed)
{
    struct plain_socket *socket = AGGR_LIST_ENTRY(watch, struct plain_socket, watch);
    struct race *race = socket->stream->race;
    int os_errno = 0;
    socklen_t len = sizeof os_errno;
    (void)events;
    if (getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &os_errno, &len) != 0)
        os_errno = errno;
    if (os_errno == 0 && failed)
        os_errno = ECONNRESET;
    if (os_errno == 0) {
        win(race, socket);
        return;
    }
    race->os_errno = os_errno;
    socket_free(socket);
    advance(race);
}

/* Begins to connect; false: see os_errno. EAGAIN: a Unix socket whose queue is full. */
static bool attempt(struct race *race, const union aggr_address *address)
{
    int family = address->any.sa_family, one = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        race->os_errno = errno;
        return false;
    }
    if (family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, &address->any, aggr_address_len(address)) != 0 && errno != EINPROGRESS) {
        race->os_errno = errno;
        close(fd);
        return false;
    }
    struct plain_socket *made = aggr_mem_new(1, sizeof *made);
    made->fd = fd;
    made->loop = race->loop;
    made->stream = race->stream;
    made->watch.on_event = on_attempt_event;
    made->watch.on_closed = on_watch_closed;
    if (aggr_watch_init(race->loop, &made->watch, fd)) {
        race->os_errno = EMFILE;
        close(fd);
        free(made);
        return false;
    }
    aggr_watch_set(&made->watch, UV_WRITABLE);
    aggr_list_push(&race->attempts, &made->link);
    aggr_ledger_made(&race->loop->ledger, AGGR_LEDGER_SOCKETS, (uintptr_t)fd, 1, NULL);
    return true;
}

static void after(struct race *race, uint64_t wait_ns)
{
    aggr_timer_start(&race->loop->timers, &race->timer, aggr_loop_now(race->loop) + wait_ns);
}

static bool try_addresses(struct race *race)
{
    while (race->next < race->count) {
        if (attempt(race, &race->addresses[race->next++])) {
            if (race->next < race->count)
                after(race, STAGGER_NS);
            return true;
        }
        if (race->os_errno == EAGAIN) {
            race->next--;
            after(race, BACKLOG_NS);
            return true;
        }
    }
    return !aggr_list_empty(&race->attempts);
}

/* The next address whose attempt gets under way. False: there is none, and nothing is. */
static bool try_next(struct race *race)
{
    struct aggr_ledger *ledger = &race->loop->ledger;
    const void *before = aggr_ledger_act_for(ledger, race->doer);
    aggr_timer_stop(&race->loop->timers, &race->timer);
    bool goes_on = try_addresses(race);
    aggr_ledger_act_for(ledger, before);
    return goes_on;
}

static void fail(struct race *race)
{
    struct plain_stream *stream = race->stream;
    struct aggr_failure failure = {0};
    aggr_peer_trouble(&failure, race->os_errno, strerror(race->os_errno), race->peer_name);
    stream->base.events->on_failed(stream->base.owner, &failure);
}

static void advance(struct race *race)
{
    if (!try_next(race))
        fail(race);
}

static void on_due(struct aggr_timer *timer)
{
    advance(AGGR_LIST_ENTRY(timer, struct race, timer));
}

static ssize_t stream_read(struct aggr_stream *self, void *bytes, size_t cap)
{
    return recv(((struct plain_stream *)self)->socket->fd, bytes, cap, 0);
}

static ssize_t stream_write(struct aggr_stream *self, const struct iovec *parts, int count)
{
    int fd = ((struct plain_stream *)self)->socket->fd;
    if (count == 1) /* in less time */
        return send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static void stream_want(struct aggr_stream *self, bool readable, bool writable)
{
    struct plain_stream *stream = (struct plain_stream *)self;
    aggr_watch_set(&stream->socket->watch,
                   (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
}

static bool stream_quiet(struct aggr_stream *self)
{
    char byte;
    int fd = ((struct plain_stream *)self)->socket->fd;
    return recv(fd, &byte, 1, MSG_PEEK) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static enum aggr_phase stream_phase(struct aggr_stream *self)
{
    (void)self;
    return AGGR_PHASE_CONNECT;
}

static void stream_close(struct aggr_stream *self)
{
    struct plain_stream *stream = (struct plain_stream *)self;
    if (stream->race)
        race_free(stream->race);
    if (stream->socket)
        socket_free(stream->socket);
    free(stream);
}

static const struct aggr_stream_ops stream_ops = {
    .read = stream_read,
    .write = stream_write,
    .want = stream_want,
    .quiet = stream_quiet,
    .phase = stream_phase,
    .close = stream_close,
};

static struct aggr_stream *dial(struct aggr_dialer *self, const struct aggr_dial *dial,
                                const struct aggr_stream_events *events, void *owner)
{
    struct plain_dialer *dialer = (struct plain_dialer *)self;
    union aggr_address addresses[AGGR_ADDRESSES_MAX];
    unsigned count = aggr_addresses(addresses, dial->route, dial->answer);
    struct race *race = aggr_mem_new(1, sizeof *race + (size_t)count * sizeof addresses[0]);
    struct plain_stream *stream = aggr_mem_new(1, sizeof *stream);
    stream->base = (struct aggr_stream){.ops = &stream_ops, .events = events, .owner = owner};
    stream->race = race;
    race->stream = stream;
    race->loop = dialer->loop;
    race->doer = dial->doer;
    race->timer.rank = AGGR_TIMER_PLAIN;
    race->timer.on_due = on_due;
    race->os_errno = EAFNOSUPPORT;
    race->count = count;
    memcpy(race->addresses, addresses, (size_t)count * sizeof addresses[0]);
    aggr_peer_name(race->peer_name, dial->route, dial->answer);
    aggr_list_init(&race->attempts);
    if (!try_next(race))
        after(race, 0);
    return &stream->base;
}

static void dialer_free(struct aggr_dialer *self)
{
    free(self);
}

static const struct aggr_dialer_ops dialer_ops = {.dial = dial, .free = dialer_free};

struct aggr_dialer *aggr_dial_plain_new(struct aggr_loop *loop)
{
    struct plain_dialer *dialer = aggr_mem_new(1, sizeof *dialer);
    dialer->base.ops = &dialer_ops;
    dialer->loop = loop;
    return &dialer->base;
}
