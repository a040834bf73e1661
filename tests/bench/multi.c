/* multi.c -- the yardstick: many GETs of one URL with plain libcurl (multi_socket) on libuv.
 *
 *   multi URL TOTAL CONCURRENCY
 *
 * Does what a careful C programmer would: easy handles are reused, connections kept, a socket's
 * uv_poll lives as long as the socket. For the coroutines and what it prints see workload.h.
 * BENCH_PER_MULTI=64 spreads the handles, so many to one curl multi handle; BENCH_CA names the CA's
 * certificate for https.
 */
#include "workload.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct shard {
    CURLM *multi;
    uv_timer_t timer;
};

struct request {
    struct workload_call call;
    CURL *easy;
    struct shard *shard;
    char *body;
    size_t len, cap;
};

struct watch {
    uv_poll_t poll;
    struct shard *shard;
    curl_socket_t fd;
    int mask;
};

static uv_loop_t loop;
static struct shard *shards;

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct request *request = data;
    size_t len = size * count;
    if (request->len + len > request->cap) {
        request->cap = (request->len + len) * 2;
        request->body = realloc(request->body, request->cap);
        if (!request->body)
            workload_die("out of memory");
    }
    memcpy(request->body + request->len, bytes, len);
    request->len += len;
    return len;
}

static void start(struct request *request)
{
    if (!workload_begin(&request->call))
        return;
    request->len = 0;
    curl_multi_add_handle(request->shard->multi, request->easy);
}

static void finish(CURLMsg *message)
{
    struct request *request;
    long status = 0;
    CURLcode result = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(request->shard->multi, request->easy);
    workload_answer(&request->call, result == CURLE_OK && status == 200, request->body,
                    request->len);
    start(request);
}

static void drain(struct shard *shard)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(shard->multi, &left)))
        if (message->msg == CURLMSG_DONE)
            finish(message);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int running, flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    if (watch->mask == 0) {
        uv_poll_stop(poll);
        return;
    }
    struct shard *shard = watch->shard;
    curl_multi_socket_action(shard->multi, watch->fd, flags, &running);
    drain(shard);
}

/* All watches by descriptor: one lives from the socket's first use to its close. */
static struct watch **watches;
static size_t watches_len;

static struct watch *watch_of(struct shard *shard, curl_socket_t fd)
{
    if ((size_t)fd >= watches_len) {
        size_t len = (size_t)fd * 2 + 64;
        watches = realloc(watches, len * sizeof *watches);
        if (!watches)
            workload_die("out of memory");
        memset(watches + watches_len, 0, (len - watches_len) * sizeof *watches);
        watches_len = len;
    }
    if (!watches[fd]) {
        struct watch *watch = calloc(1, sizeof *watch);
        if (!watch || uv_poll_init_socket(&loop, &watch->poll, fd) != 0)
            workload_die("cannot watch a socket");
        watch->poll.data = watch;
        watch->fd = fd;
        watches[fd] = watch;
    }
    watches[fd]->shard = shard;
    return watches[fd];
}

static int on_watch_wanted(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    (void)easy;
    (void)socket_data;
    struct watch *watch = watch_of(data, fd);
    int mask = 0;
    if (what != CURL_POLL_REMOVE) {
        mask |= what & CURL_POLL_IN ? UV_READABLE : 0;
        mask |= what & CURL_POLL_OUT ? UV_WRITABLE : 0;
        if (mask != watch->mask)
            uv_poll_start(&watch->poll, mask, on_socket);
    }
    watch->mask = mask; /* an idle connection stays registered */
    return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int on_socket_close(void *data, curl_socket_t fd)
{
    (void)data;
    if ((size_t)fd < watches_len && watches[fd]) {
        uv_poll_stop(&watches[fd]->poll);
        uv_close((uv_handle_t *)&watches[fd]->poll, on_watch_closed);
        watches[fd] = NULL;
    }
    return close(fd);
}

static void on_timeout(uv_timer_t *timer)
{
    struct shard *shard = timer->data;
    int running;
    curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    drain(shard);
}

static int on_timer_wanted(CURLM *multi, long timeout_ms, void *data)
{
    (void)multi;
    struct shard *shard = data;
    if (timeout_ms < 0)
        uv_timer_stop(&shard->timer);
    else
        uv_timer_start(&shard->timer, on_timeout, (uint64_t)timeout_ms, 0);
    return 0;
}

static void open_shard(struct shard *shard, long handles)
{
    shard->multi = curl_multi_init();
    uv_timer_init(&loop, &shard->timer);
    shard->timer.data = shard;
    curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_watch_wanted);
    curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
    curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
    curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, handles + 8);
}

static void open_request(struct request *request, struct shard *shard, const char *url)
{
    request->shard = shard;
    request->easy = curl_easy_init();
    if (!request->easy)
        workload_die("no easy handle");
    curl_easy_setopt(request->easy, CURLOPT_URL, url);
    curl_easy_setopt(request->easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(request->easy, CURLOPT_CLOSESOCKETFUNCTION, on_socket_close);
    curl_easy_setopt(request->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(request->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(request->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (getenv("BENCH_CA"))
        curl_easy_setopt(request->easy, CURLOPT_CAINFO, getenv("BENCH_CA"));
}

/* Each request cycles through the multi until all have been made. */
static void run(const char *url, long concurrency)
{
    const char *wanted = getenv("BENCH_PER_MULTI");
    long per_multi = wanted && atol(wanted) > 0 ? atol(wanted) : concurrency;
    long count = (concurrency + per_multi - 1) / per_multi;
    struct request *requests = calloc((size_t)concurrency, sizeof *requests);
    shards = calloc((size_t)count, sizeof *shards);
    if (!requests || !shards)
        workload_die("out of memory");
    for (long i = 0; i < count; i++)
        open_shard(&shards[i], per_multi);
    for (long i = 0; i < concurrency; i++) {
        open_request(&requests[i], &shards[i / per_multi], url);
        start(&requests[i]);
    }
    while (workload_runs())
        uv_run(&loop, UV_RUN_ONCE);
}

int main(int argc, char **argv)
{
    workload_open(argc, argv);
    curl_global_init(CURL_GLOBAL_ALL);
    uv_loop_init(&loop);
    run(workload_url(), workload_concurrency());
    return workload_close();
}
