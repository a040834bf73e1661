#include "io/dial_curl.h"
#include "base/mem.h"
#include "io/curl_shards.h"
#include <errno.h>
#include <string.h>

/* What one TLS record holds: more of it takes curl another call, and OpenSSL reads no more. */
enum { RECORD_MAX = 16 * 1024 };

struct curl_dialer {
    struct aggr_dialer base;
    struct aggr_curl_shards shards;
    char *scratch; /* owned: RECORD_MAX bytes to be handed to curl; NULL = to be made */
};

/* The easy handle stays in its multi handle: libcurl 7.88 finds its connection there. */
struct curl_stream {
    struct aggr_stream base;
    struct aggr_socket_user user;
    struct aggr_curl_handle handle;
    struct curl_dialer *dialer;
    struct aggr_timer soon; /* for what no socket tells of */
    char *unsent;           /* owned: what curl is to be given once more, just as it is */
    size_t unsent_len;
    bool readable, writable; /* wanted */
    bool held;               /* there may be bytes that the socket does not know of any more */
    int end;                 /* as errno, once reading has ended; -1 = it has not */
    struct aggr_failure failure;
};

static struct aggr_timers *timers_of(struct curl_stream *stream)
{
    return &stream->dialer->shards.loop->timers;
}

static void tell_soon(struct curl_stream *stream)
{
    struct aggr_loop *loop = stream->dialer->shards.loop;
    aggr_timer_start(&loop->timers, &stream->soon, aggr_loop_now(loop));
}

/* OpenSSL may hold bytes, and the end may have been seen behind others. */
static void hold(struct curl_stream *stream, bool held)
{
    stream->held = held;
    if (held && stream->readable)
        tell_soon(stream);
    else
        aggr_timer_stop(timers_of(stream), &stream->soon);
}

static void on_soon(struct aggr_timer *timer)
{
    struct curl_stream *stream = AGGR_LIST_ENTRY(timer, struct curl_stream, soon);
    struct aggr_stream *base = &stream->base;
    if (stream->failure.code)
        base->events->on_failed(base->owner, &stream->failure);
    else
        base->events->on_ready(base->owner, true, false);
}

static void stream_want(struct aggr_stream *self, bool readable, bool writable)
{
    struct curl_stream *stream = (struct curl_stream *)self;
    int mask = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    struct aggr_sockets *sockets = &stream->dialer->shards.sockets;
    AGGR_CHECK(!aggr_sockets_watch(sockets, stream->handle.fd, mask, &stream->user));
    stream->writable = writable;
    if (stream->readable == readable)
        return;
    stream->readable = readable;
    hold(stream, stream->held);
}

static void on_event(struct aggr_socket_user *user, int fd, int events, bool failed)
{
    struct curl_stream *stream = AGGR_LIST_ENTRY(user, struct curl_stream, user);
    bool writable = (events & UV_WRITABLE) != 0;
    (void)fd;
    if (failed) /* after this one there are none, yet the error may be behind many bytes */
        stream_want(&stream->base, stream->readable, stream->writable);
    stream->base.events->on_ready(stream->base.owner, failed || (events & UV_READABLE), writable);
}

static ssize_t error(int os_errno)
{
    errno = os_errno;
    return -1;
}

/* How reading ended: 0 or an error. */
static ssize_t tell_end(const struct curl_stream *stream)
{
    return stream->end == 0 ? 0 : error(stream->end);
}

/* libcurl takes the end of a connection for the end of what TLS carries, which it is when the peer
 * has said so: anybody on the way can end a connection (RFC 9112 section 9.8). */
static int end_of(const struct curl_stream *stream)
{
    enum { RECEIVED_SHUTDOWN = 2 }; /* SSL_RECEIVED_SHUTDOWN of openssl/ssl.h */
    struct curl_tlssessioninfo *tls = NULL;
    curl_easy_getinfo(stream->handle.easy, CURLINFO_TLS_SSL_PTR, &tls);
    if (!tls || tls->backend != CURLSSLBACKEND_OPENSSL || !tls->internals ||
        !aggr_curl_api.ssl_get_shutdown)
        return 0;
    return aggr_curl_api.ssl_get_shutdown(tls->internals) & RECEIVED_SHUTDOWN ? 0 : ECONNABORTED;
}

static ssize_t stream_read(struct aggr_stream *self, void *bytes, size_t cap)
{
    struct curl_stream *stream = (struct curl_stream *)self;
    CURLcode code = CURLE_OK;
    size_t len = 0, got = 1;
    while (stream->end < 0 && len < cap && got > 0 && code == CURLE_OK) {
        got = 0;
        code = curl_easy_recv(stream->handle.easy, (char *)bytes + len, cap - len, &got);
        len += got;
    }
    if (code != CURLE_OK && code != CURLE_AGAIN)
        stream->end = ECONNRESET;
    else if (code == CURLE_OK && got == 0)
        stream->end = end_of(stream);
    hold(stream, code != CURLE_AGAIN && len > 0);
    if (len > 0)
        return (ssize_t)len;
    return code == CURLE_AGAIN ? error(EAGAIN) : tell_end(stream);
}

/* The first RECORD_MAX bytes of `parts` behind `skip`, put into `out`. */
static size_t gather(char *out, const struct iovec *parts, int count, size_t skip)
{
    size_t len = 0;
    for (int i = 0; i < count && len < RECORD_MAX; i++) {
        size_t some = parts[i].iov_len;
        if (skip >= some) {
            skip -= some;
            continue;
        }
        some -= skip;
        if (some > RECORD_MAX - len)
            some = RECORD_MAX - len;
        memcpy(out + len, (const char *)parts[i].iov_base + skip, some);
        len += some;
        skip = 0;
    }
    return len;
}

/* OpenSSL has begun a record with what it would not take: it wants the same bytes, in the same
 * place. So they leave the dialer's scratch space to the stream until it has taken them. */
static void keep_unsent(struct curl_stream *stream, size_t len)
{
    if (!stream->unsent) {
        stream->unsent = stream->dialer->scratch;
        stream->dialer->scratch = NULL;
    }
    stream->unsent_len = len;
}

static void drop_unsent(struct curl_stream *stream)
{
    struct curl_dialer *dialer = stream->dialer;
    if (!dialer->scratch)
        dialer->scratch = stream->unsent;
    else
        free(stream->unsent);
    stream->unsent = NULL;
    stream->unsent_len = 0;
}

/* One record of `parts` behind `skip`; what is unsent is of there. */
static CURLcode send_record(struct curl_stream *stream, const struct iovec *parts, int count,
                            size_t skip, size_t *sent)
{
    struct curl_dialer *dialer = stream->dialer;
    char *bytes = stream->unsent;
    size_t len = stream->unsent_len;
    *sent = 0;
    if (!bytes) {
        if (!dialer->scratch)
            dialer->scratch = aggr_mem_new(1, RECORD_MAX);
        bytes = dialer->scratch;
        len = gather(bytes, parts, count, skip);
    }
    if (len == 0)
        return CURLE_OK;
    CURLcode code = curl_easy_send(stream->handle.easy, bytes, len, sent);
    if (code == CURLE_AGAIN)
        keep_unsent(stream, len);
    else if (stream->unsent)
        drop_unsent(stream);
    return code;
}

static ssize_t stream_write(struct aggr_stream *self, const struct iovec *parts, int count)
{
    struct curl_stream *stream = (struct curl_stream *)self;
    size_t written = 0, sent;
    CURLcode code = CURLE_OK;
    if (stream->end >= 0)
        return error(EPIPE);
    do {
        code = send_record(stream, parts, count, written, &sent);
        written += sent;
    } while (code == CURLE_OK && sent > 0);
    if (written > 0 || code == CURLE_OK)
        return (ssize_t)written;
    return error(code == CURLE_AGAIN ? EAGAIN : EPIPE);
}

/* A look may swallow what is not for us, such as TLS session tickets. */
static bool stream_quiet(struct aggr_stream *self)
{
    struct curl_stream *stream = (struct curl_stream *)self;
    char byte;
    return stream->end < 0 && !stream->unsent && stream_read(self, &byte, 1) < 0 && errno == EAGAIN;
}

static enum aggr_phase stream_phase(struct aggr_stream *self)
{
    return aggr_curl_handle_phase(&((struct curl_stream *)self)->handle);
}

static void handle_free(struct aggr_curl_handle *handle)
{
    aggr_curl_handle_deinit(handle);
    free(AGGR_LIST_ENTRY(handle, struct curl_stream, handle));
}

static void stream_close(struct aggr_stream *self)
{
    struct curl_stream *stream = (struct curl_stream *)self;
    aggr_timer_stop(timers_of(stream), &stream->soon);
    if (stream->unsent)
        drop_unsent(stream);
    if (stream->handle.shard)
        aggr_curl_shards_remove(&stream->handle, true);
    else
        handle_free(&stream->handle);
}

static const struct aggr_stream_ops stream_ops = {
    .read = stream_read,
    .write = stream_write,
    .want = stream_want,
    .quiet = stream_quiet,
    .phase = stream_phase,
    .close = stream_close,
};

/* From now on the socket is ours. */
static void open_stream(struct curl_stream *stream)
{
    struct aggr_curl_handle *handle = &stream->handle;
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(handle->easy, CURLINFO_ACTIVESOCKET, &fd);
    AGGR_CHECK(fd != CURL_SOCKET_BAD);
    aggr_curl_handle_connected(handle);
    handle->fd = fd;
    stream->base.tls_ns = aggr_curl_handle_tls_ns(handle);
    aggr_curl_handle_reset(handle);
    stream->held = true;
    stream_want(&stream->base, true, false);
    stream->base.events->on_open(stream->base.owner);
}

static void on_done(struct aggr_curl_handle *handle, CURLcode code)
{
    struct curl_stream *stream = AGGR_LIST_ENTRY(handle, struct curl_stream, handle);
    struct aggr_failure failure = {0};
    if (code == CURLE_OK && !handle->folded) {
        open_stream(stream);
        return;
    }
    aggr_curl_handle_failure(handle, code, &failure);
    stream->base.events->on_failed(stream->base.owner, &failure);
}

static struct curl_stream *stream_new(struct curl_dialer *dialer)
{
    struct curl_stream *stream = aggr_mem_new(1, sizeof *stream);
    stream->dialer = dialer;
    stream->user.on_event = on_event;
    stream->soon.rank = AGGR_TIMER_PLAIN;
    stream->soon.on_due = on_soon;
    return stream;
}

static struct aggr_curl_handle *make(struct aggr_curl_pool *pool)
{
    struct curl_dialer *dialer = AGGR_LIST_ENTRY(pool->shards, struct curl_dialer, shards);
    struct curl_stream *stream = stream_new(dialer);
    if (aggr_curl_handle_init(&stream->handle, pool->policy, &pool->shards->sockets)) {
        handle_free(&stream->handle);
        return NULL;
    }
    curl_easy_setopt(stream->handle.easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(stream->handle.easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return &stream->handle;
}

static const struct aggr_curl_shards_ops shards_ops = {
    .shard_size = sizeof(struct aggr_curl_shard),
    .on_done = on_done,
    .make = make,
    .free = handle_free,
};

/* False: out of memory. */
static bool begin(struct curl_stream *stream, struct aggr_curl_shard *shard,
                  const struct aggr_dial *dial)
{
    return !aggr_curl_handle_prepare(&stream->handle, dial, dial->url->origin, &shard->taught) &&
           !aggr_curl_shards_add(shard, &stream->handle);
}

static struct aggr_stream *dial(struct aggr_dialer *self, const struct aggr_dial *dial,
                                const struct aggr_stream_events *events, void *owner)
{
    struct curl_dialer *dialer = (struct curl_dialer *)self;
    struct aggr_curl_shard *shard;
    struct aggr_curl_handle *handle = aggr_curl_shards_get(&dialer->shards, dial->policy, &shard);
    struct curl_stream *stream =
        handle ? AGGR_LIST_ENTRY(handle, struct curl_stream, handle) : stream_new(dialer);
    stream->base = (struct aggr_stream){.ops = &stream_ops, .events = events, .owner = owner};
    stream->readable = stream->writable = stream->held = false;
    stream->end = -1;
    if (handle && begin(stream, shard, dial))
        return &stream->base;
    aggr_failure_set(&stream->failure, AGGR_ERR_MEMORY, AGGR_PHASE_CONNECT, "out of memory");
    tell_soon(stream);
    return &stream->base;
}

static unsigned count_descriptors(const struct aggr_dialer *self)
{
    return aggr_curl_shards_descriptors(&((const struct curl_dialer *)self)->shards);
}

static bool trim(struct aggr_dialer *self)
{
    return aggr_curl_shards_trim(&((struct curl_dialer *)self)->shards);
}

static void dialer_free(struct aggr_dialer *self)
{
    struct curl_dialer *dialer = (struct curl_dialer *)self;
    aggr_curl_shards_deinit(&dialer->shards);
    free(dialer->scratch);
    free(dialer);
}

static const struct aggr_dialer_ops dialer_ops = {
    .dial = dial,
    .descriptors = count_descriptors,
    .trim = trim,
    .free = dialer_free,
};

struct aggr_dialer *aggr_dial_curl_new(struct aggr_loop *loop, struct aggr_failure *failure)
{
    if (aggr_curl_api_load(failure))
        return NULL;
    struct curl_dialer *dialer = aggr_mem_new(1, sizeof *dialer);
    dialer->base.ops = &dialer_ops;
    aggr_curl_shards_init(&dialer->shards, loop, &shards_ops);
    return &dialer->base;
}
