#include "io/curl_shards.h"
#include "base/mem.h"

/* SPARES_MAX: easy handles kept for reuse, 17 kB each. OWN_DESCRIPTORS: of a multi handle, which it
 * could be woken by. */
enum { SPARES_MAX = 1024, OWN_DESCRIPTORS = 2 };

/* Always, whatever the number of running handles (facts 5). */
static void drain(struct aggr_curl_shard *shard)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(shard->multi, &left))) {
        struct aggr_curl_handle *handle;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; /* the message goes with the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&handle);
        shard->pool->shards->ops->on_done(handle, code);
    }
}

static void act(struct aggr_curl_shard *shard, int fd, int flags)
{
    const struct aggr_curl_shards_ops *ops = shard->pool->shards->ops;
    int running;
    shard->acting = true;
    curl_multi_socket_action(shard->multi, fd, flags, &running);
    aggr_loop_now(shard->pool->shards->loop); /* a TLS handshake takes its time */
    drain(shard);
    if (ops->on_acted)
        ops->on_acted(shard, fd == CURL_SOCKET_TIMEOUT ? -1 : fd);
    shard->acting = false;
}

void aggr_curl_shards_look(struct aggr_curl_shard *shard, int fd)
{
    act(shard, fd, CURL_CSELECT_IN);
}

static void on_socket_event(struct aggr_socket_user *user, int fd, int events, bool failed)
{
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    if (failed) /* with the error alone curl does not read it, and does not retry what it may */
        flags = CURL_CSELECT_IN | CURL_CSELECT_OUT | CURL_CSELECT_ERR;
    act(AGGR_LIST_ENTRY(user, struct aggr_curl_shard, user), fd, flags);
}

static void on_due(struct aggr_timer *timer)
{
    act(AGGR_LIST_ENTRY(timer, struct aggr_curl_shard, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *data, void *unused)
{
    struct aggr_curl_shard *shard = data;
    struct aggr_sockets *sockets = &shard->pool->shards->sockets;
    struct aggr_curl_handle *handle = NULL;
    (void)unused;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&handle);
    if (handle)
        aggr_curl_handle_moved(handle, what == CURL_POLL_REMOVE ? -1 : fd);
    if (what == CURL_POLL_REMOVE) {
        aggr_sockets_idle(sockets, fd);
        return 0;
    }
    int mask = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return aggr_sockets_watch(sockets, fd, mask, &shard->user) == AGGR_OK ? 0 : -1;
}

/* 0 means the next turn, never a direct call (facts 6). Never early: asked too soon, libcurl has
 * nothing to do yet and does not set the same time again. */
static int on_timer_change(CURLM *multi, long timeout_ms, void *data)
{
    struct aggr_curl_shard *shard = data;
    struct aggr_loop *loop = shard->pool->shards->loop;
    (void)multi;
    if (timeout_ms < 0)
        aggr_timer_stop(&loop->timers, &shard->timer);
    else
        aggr_timer_start(&loop->timers, &shard->timer,
                         aggr_loop_now(loop) + (uint64_t)timeout_ms * AGGR_NS_PER_MS);
    return 0;
}

static struct aggr_curl_shard *shard_new(struct aggr_curl_pool *pool)
{
    const struct aggr_curl_shards_ops *ops = pool->shards->ops;
    CURLM *multi = curl_multi_init();
    if (!multi)
        return NULL;
    struct aggr_curl_shard *shard = aggr_mem_new(1, ops->shard_size);
    shard->user.on_event = on_socket_event;
    shard->multi = multi;
    shard->pool = pool;
    shard->index = pool->len;
    aggr_taught_init(&shard->taught);
    shard->timer =
        (struct aggr_timer){.rank = AGGR_TIMER_PLAIN, .background = true, .on_due = on_due};
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
    pool->shards->count++;
    if (ops->on_begin)
        ops->on_begin(shard);
    return shard;
}

static void shard_free(struct aggr_curl_shard *shard)
{
    const struct aggr_curl_shards_ops *ops = shard->pool->shards->ops;
    AGGR_CHECK(shard->running == 0);
    if (ops->on_end)
        ops->on_end(shard);
    curl_multi_cleanup(shard->multi);
    aggr_taught_deinit(&shard->taught);
    aggr_timer_stop(&shard->pool->shards->loop->timers, &shard->timer);
    shard->pool->shards->count--;
    free(shard);
}

/* The lowest shard with room, a new one if there is none; NULL: out of memory. */
static struct aggr_curl_shard *shard_with_room(struct aggr_curl_pool *pool)
{
    for (; pool->lowest < pool->len; pool->lowest++) {
        if (pool->all[pool->lowest]->running < AGGR_CURL_SHARD_MAX)
            return pool->all[pool->lowest];
    }
    struct aggr_curl_shard **grown = realloc(pool->all, (pool->len + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    pool->all = grown;
    struct aggr_curl_shard *shard = shard_new(pool);
    if (shard)
        grown[pool->len++] = shard;
    return shard;
}

static struct aggr_curl_pool *pool_for(struct aggr_curl_shards *shards,
                                       const struct aggr_policy *policy)
{
    if (policy->id >= shards->len) {
        unsigned len = policy->id + 8;
        struct aggr_curl_pool **grown = aggr_mem_new(len, sizeof(struct aggr_curl_pool *));
        for (unsigned i = 0; i < shards->len; i++)
            grown[i] = shards->pools[i];
        free(shards->pools);
        shards->pools = grown;
        shards->len = len;
    }
    struct aggr_curl_pool **at = &shards->pools[policy->id];
    if (!*at) {
        *at = aggr_mem_new(1, sizeof **at);
        (*at)->shards = shards;
        (*at)->policy = policy;
        aggr_list_init(&(*at)->idle);
    }
    return *at;
}

static void pool_free(struct aggr_curl_pool *pool)
{
    struct aggr_list *link;
    while ((link = aggr_list_shift(&pool->idle)))
        pool->shards->ops->free(AGGR_LIST_ENTRY(link, struct aggr_curl_handle, link));
    for (unsigned i = 0; i < pool->len; i++)
        shard_free(pool->all[i]);
    free(pool->all);
    free(pool);
}

void aggr_curl_shards_init(struct aggr_curl_shards *shards, struct aggr_loop *loop,
                           const struct aggr_curl_shards_ops *ops)
{
    shards->loop = shards->sockets.loop = loop;
    shards->ops = ops;
}

unsigned aggr_curl_shards_sockets(const struct aggr_curl_shards *shards)
{
    return shards->sockets.open + shards->starting;
}

unsigned aggr_curl_shards_descriptors(const struct aggr_curl_shards *shards)
{
    return OWN_DESCRIPTORS * shards->count;
}

bool aggr_curl_shards_trim(struct aggr_curl_shards *shards)
{
    for (unsigned i = 0; i < shards->len; i++) {
        struct aggr_curl_pool *pool = shards->pools[i];
        if (!pool || pool->len == 0)
            continue;
        struct aggr_curl_shard *last = pool->all[pool->len - 1];
        if (last->running > 0 || last->acting)
            continue;
        shard_free(pool->all[--pool->len]);
        if (pool->lowest > pool->len)
            pool->lowest = pool->len;
        return true;
    }
    return false;
}

void aggr_curl_shards_deinit(struct aggr_curl_shards *shards)
{
    for (unsigned i = 0; i < shards->len; i++) {
        if (shards->pools[i])
            pool_free(shards->pools[i]);
    }
    free(shards->pools);
    aggr_sockets_deinit(&shards->sockets);
}

struct aggr_curl_handle *aggr_curl_shards_get(struct aggr_curl_shards *shards,
                                              const struct aggr_policy *policy,
                                              struct aggr_curl_shard **shard)
{
    struct aggr_curl_pool *pool = pool_for(shards, policy);
    *shard = shard_with_room(pool);
    if (!*shard)
        return NULL;
    struct aggr_list *link = aggr_list_shift(&pool->idle);
    if (!link)
        return shards->ops->make(pool);
    pool->idle_len--;
    return AGGR_LIST_ENTRY(link, struct aggr_curl_handle, link);
}

enum aggr_err aggr_curl_shards_add(struct aggr_curl_shard *shard, struct aggr_curl_handle *handle)
{
    if (curl_multi_add_handle(shard->multi, handle->easy) != CURLM_OK)
        return AGGR_ERR_MEMORY;
    handle->shard = shard;
    shard->running++;
    handle->starting = &shard->pool->shards->starting;
    ++*handle->starting;
    return AGGR_OK;
}

void aggr_curl_shards_remove(struct aggr_curl_handle *handle, bool can_be_spare)
{
    struct aggr_curl_shard *shard = handle->shard;
    struct aggr_curl_pool *pool = shard->pool;
    curl_multi_remove_handle(shard->multi, handle->easy);
    aggr_curl_handle_reset(handle);
    handle->shard = NULL;
    shard->running--;
    if (shard->index < pool->lowest)
        pool->lowest = shard->index;
    if (!can_be_spare || pool->idle_len >= SPARES_MAX) {
        pool->shards->ops->free(handle);
        return;
    }
    aggr_list_push(pool->idle.next, &handle->link); /* before the first */
    pool->idle_len++;
}
