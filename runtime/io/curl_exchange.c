#include "io/curl_exchange.h"
#include "base/mem.h"
#include "io/curl_request.h"
#include "io/curl_result.h"
#include "io/head.h"
#include "io/http1_request.h"
#include "io/response.h"
#include <string.h>

/* Our own end of it: curl then reports CURLE_WRITE_ERROR. */
static size_t stop(struct aggr_exchange *exchange)
{
    exchange->stopped = true;
    return CURL_WRITEFUNC_ERROR;
}

/* 100-199, except 101: nobody asked to switch protocols. */
static bool is_interim(const struct aggr_buf *head)
{
    const char *space = memchr(head->data, ' ', head->len);
    size_t left = space ? head->len - (size_t)(space + 1 - head->data) : 0;
    return left > 3 && space[1] == '1' && space[2] >= '0' && space[2] <= '9' && space[3] >= '0' &&
           space[3] <= '9' && memcmp(space + 1, "101", 3) != 0;
}

static size_t end_head(struct aggr_exchange *exchange, size_t len)
{
    if (is_interim(&exchange->head)) {
        if (!aggr_head_interim(exchange->head.data, exchange->head.len, &exchange->failure))
            return stop(exchange);
        aggr_buf_clear(&exchange->head);
        if (++exchange->interim <= AGGR_HEAD_INTERIM_MAX)
            return len;
        aggr_failure_set(&exchange->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "more than %d interim responses", AGGR_HEAD_INTERIM_MAX);
        return stop(exchange);
    }
    exchange->head_done = true;
    exchange->http2 = exchange->head.len > 6 && memcmp(exchange->head.data, "HTTP/2", 6) == 0;
    *exchange->http2_heard += exchange->http2;
    struct aggr_sink *sink = exchange->sink;
    bool wanted = sink->ops->on_head(sink, exchange->head.data, exchange->head.len);
    return wanted ? len : stop(exchange);
}

/* One raw line a call. What comes after the head are trailers, which nobody reads. */
static size_t on_header(char *line, size_t one, size_t len, void *self)
{
    struct aggr_exchange *exchange = self;
    (void)one;
    if (exchange->handle.folded)
        return stop(exchange);
    if (exchange->head_done)
        return len;
    exchange->sink->ops->on_heard(exchange->sink);
    if (exchange->head.len == 0)
        aggr_curl_handle_watch_head(&exchange->handle);
    if (exchange->head.len + len > AGGR_RESPONSE_HEAD_MAX) {
        aggr_failure_set(&exchange->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "response head over %d KiB", AGGR_RESPONSE_HEAD_MAX / 1024);
        return stop(exchange);
    }
    if (aggr_buf_append(&exchange->head, line, len)) {
        aggr_failure_set(&exchange->failure, AGGR_ERR_MEMORY, AGGR_PHASE_WAIT, "out of memory");
        return stop(exchange);
    }
    bool is_last = line[0] == '\n' || (len >= 2 && line[0] == '\r' && line[1] == '\n');
    return is_last ? end_head(exchange, len) : len;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *self)
{
    struct aggr_exchange *exchange = self;
    struct aggr_sink *sink = exchange->sink;
    (void)one;
    if (!exchange->head_done) {
        aggr_failure_set(&exchange->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "a body without a head");
        return stop(exchange);
    }
    *exchange->http2_heard += exchange->http2;
    return sink->ops->on_data(sink, bytes, len) ? len : stop(exchange);
}

/* The connection stands and the request is about to be sent. Comes again when curl has to retry on
 * a new connection because an idle one was closed under it; it gives up after five. */
static int on_connected(void *self, char *peer, char *local, int peer_port, int local_port)
{
    struct aggr_exchange *exchange = self;
    long sent = 0;
    (void)peer, (void)local, (void)peer_port, (void)local_port;
    bool before = exchange->handle.connected;
    aggr_curl_handle_connected(&exchange->handle);
    if (before && !aggr_http1_idempotent(exchange->request->method))
        curl_easy_getinfo(exchange->handle.easy, CURLINFO_REQUEST_SIZE, &sent);
    if (sent > 0) {
        aggr_failure_set(&exchange->failure, AGGR_ERR_CONNECT, AGGR_PHASE_WAIT,
                         "connection closed before the first byte");
        exchange->stopped = true;
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->retried = before;
    exchange->sink->ops->on_connected(exchange->sink);
    return CURL_PREREQFUNC_OK;
}

static void set_callbacks(struct aggr_exchange *exchange)
{
    CURL *easy = exchange->handle.easy;
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
}

/* What holds for every request: redirects, decoding, framing and limits are ours. */
static void set_constants(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_TRANSFER_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

struct aggr_exchange *aggr_exchange_new(const struct aggr_policy *policy,
                                        struct aggr_sockets *sockets)
{
    struct aggr_exchange *exchange = aggr_mem_new(1, sizeof *exchange);
    exchange->https = -1;
    if (aggr_curl_handle_init(&exchange->handle, policy, sockets)) {
        aggr_exchange_free(exchange);
        return NULL;
    }
    set_constants(exchange->handle.easy);
    set_callbacks(exchange);
    return exchange;
}

void aggr_exchange_free(struct aggr_exchange *exchange)
{
    aggr_curl_handle_deinit(&exchange->handle);
    aggr_buf_deinit(&exchange->head);
    aggr_buf_deinit(&exchange->block);
    aggr_buf_deinit(&exchange->headers);
    aggr_buf_deinit(&exchange->host);
    free(exchange);
}

enum aggr_err aggr_exchange_prepare(struct aggr_exchange *exchange,
                                    const struct aggr_exchange_request *request,
                                    struct aggr_sink *sink, struct aggr_taught *taught,
                                    unsigned *http2_heard)
{
    struct aggr_dial to = aggr_exchange_request_dial(request);
    exchange->request = request;
    exchange->sink = sink;
    exchange->http2_heard = http2_heard;
    aggr_buf_clear(&exchange->head);
    exchange->head_done = exchange->stopped = exchange->http2 = exchange->retried = false;
    exchange->interim = 0;
    exchange->failure.code = AGGR_OK;
    enum aggr_err err =
        aggr_curl_handle_prepare(&exchange->handle, &to, request->url->text, taught);
    return err ? err : aggr_curl_request(exchange);
}

enum aggr_phase aggr_exchange_phase(struct aggr_exchange *exchange)
{
    const struct aggr_exchange_request *request = exchange->request;
    curl_off_t amount = 0;
    if (exchange->head_done)
        return AGGR_PHASE_BODY;
    if (!exchange->handle.connected)
        return aggr_curl_handle_phase(&exchange->handle);
    if (exchange->head.len > 0 || request->body_len == 0)
        return AGGR_PHASE_WAIT;
    curl_easy_getinfo(exchange->handle.easy, CURLINFO_SIZE_UPLOAD_T, &amount);
    return (size_t)amount < request->body_len ? AGGR_PHASE_WRITE : AGGR_PHASE_WAIT;
}

void aggr_exchange_result(struct aggr_exchange *exchange, CURLcode code, struct aggr_end *end)
{
    if (exchange->stopped && !exchange->handle.folded) {
        end->failure = exchange->failure;
        aggr_failure_set(&end->failure, AGGR_ERR_CANCELLED, AGGR_PHASE_BODY, "not wanted");
        return;
    }
    aggr_curl_result(exchange, code, &end->failure);
    if (exchange->handle.connected)
        end->tls_ns = aggr_curl_handle_tls_ns(&exchange->handle);
}

void aggr_exchange_reset(struct aggr_exchange *exchange)
{
    if (exchange->head.cap > 16384)
        aggr_buf_deinit(&exchange->head);
    exchange->sink = NULL;
    exchange->request = NULL;
}
