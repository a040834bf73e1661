#include "io/curl_exchange.h"
#include "base/mem.h"
#include "io/curl_request.h"
#include "io/curl_result.h"
#include "io/response.h"
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { INTERIM_MAX = 64 };

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
        aggr_buf_clear(&exchange->head);
        if (++exchange->interim <= INTERIM_MAX)
            return len;
        aggr_failure_set(&exchange->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "more than %d interim responses", INTERIM_MAX);
        return stop(exchange);
    }
    exchange->head_done = true;
    exchange->http2 = exchange->head.len > 6 && memcmp(exchange->head.data, "HTTP/2", 6) == 0;
    *exchange->http2_heard += exchange->http2;
    struct aggr_sink *sink = exchange->sink;
    bool wanted = sink->ops->on_head(sink, exchange->head.data, exchange->head.len);
    return wanted ? len : stop(exchange);
}

static bool is_status_line(const char *line, size_t len)
{
    return len >= 5 && memcmp(line, "HTTP/", 5) == 0;
}

/* libcurl before 8.5 appends a folded line to the header before it also where there is none: on an
 * easy handle used again, that is freed memory of the response before. A debug callback alone sees
 * a line earlier than that code, so it is switched on for the one line after each status line. */
static int on_debug(CURL *easy, curl_infotype type, char *line, size_t len, void *self)
{
    struct aggr_exchange *exchange = self;
    if (type != CURLINFO_HEADER_IN || len == 0 || is_status_line(line, len))
        return 0;
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L);
    if (*line != ' ' && *line != '\t')
        return 0;
    *line = '?';
    exchange->stopped = true;
    aggr_failure_set(&exchange->failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                     "malformed header field: a folded line");
    return 0;
}

/* One raw line a call. What comes after the head are trailers, which nobody reads. */
static size_t on_header(char *line, size_t one, size_t len, void *self)
{
    struct aggr_exchange *exchange = self;
    (void)one;
    if (exchange->stopped)
        return stop(exchange);
    if (exchange->head_done)
        return len;
    exchange->sink->ops->on_heard(exchange->sink);
    if (exchange->head.len == 0)
        curl_easy_setopt(exchange->easy, CURLOPT_VERBOSE, 1L); /* see on_debug */
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

/* May a server that has had the request be sent it again? RFC 9110 section 9.2.2. */
static bool is_idempotent(const char *method)
{
    static const char *const known[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(method, known[i]) == 0)
            return true;
    }
    return false;
}

/* The connection stands and the request is about to be sent. Comes again when curl has to retry on
 * a new connection because an idle one was closed under it; it gives up after five. */
static int on_connected(void *self, char *peer, char *local, int peer_port, int local_port)
{
    struct aggr_exchange *exchange = self;
    long sent = 0;
    (void)peer, (void)local, (void)peer_port, (void)local_port;
    if (exchange->teach.len > 0) {
        aggr_taught_note(exchange->taught, exchange->name.data, exchange->answer_id);
        aggr_buf_clear(&exchange->teach);
    }
    if (exchange->connected && !is_idempotent(exchange->request->method))
        curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &sent);
    if (sent > 0) {
        aggr_failure_set(&exchange->failure, AGGR_ERR_CONNECT, AGGR_PHASE_WAIT,
                         "connection closed before the first byte");
        exchange->stopped = true;
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->retried = exchange->connected;
    exchange->connected = true;
    exchange->sink->ops->on_connected(exchange->sink);
    return CURL_PREREQFUNC_OK;
}

static void set_tls(CURL *easy, const struct aggr_policy *policy)
{
    struct stat st;
    /* Without a folder of authorities curl keeps the parsed file (CURLOPT_CA_CACHE_TIMEOUT). */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (policy->ca && stat(policy->ca, &st) == 0 && S_ISDIR(st.st_mode)) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, policy->ca);
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    } else if (policy->ca) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, policy->ca);
    }
    if (policy->cert) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, policy->cert);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, policy->key ? policy->key : policy->cert);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, policy->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, policy->insecure ? 0L : 2L);
}

static void set_callbacks(struct aggr_exchange *exchange)
{
    CURL *easy = exchange->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
}

/* What holds for every request: redirects, decoding, framing, names and limits are ours. */
static void set_constants(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_TRANSFER_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

struct aggr_exchange *aggr_exchange_new(const struct aggr_policy *policy,
                                        curl_opensocket_callback open,
                                        curl_closesocket_callback close, void *sockets)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    struct aggr_exchange *exchange = aggr_mem_new(1, sizeof *exchange);
    exchange->easy = easy;
    exchange->policy = policy;
    exchange->https = -1;
    aggr_list_init(&exchange->link);
    set_constants(easy);
    set_callbacks(exchange);
    set_tls(easy, policy);
    if (policy->unix_socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, policy->unix_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, sockets);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
    return exchange;
}

void aggr_exchange_free(struct aggr_exchange *exchange)
{
    curl_easy_cleanup(exchange->easy);
    aggr_buf_deinit(&exchange->head);
    aggr_buf_deinit(&exchange->url);
    curl_url_cleanup(exchange->parsed_url);
    aggr_buf_deinit(&exchange->block);
    aggr_buf_deinit(&exchange->headers);
    aggr_buf_deinit(&exchange->name);
    aggr_buf_deinit(&exchange->teach);
    aggr_buf_deinit(&exchange->forget);
    aggr_buf_deinit(&exchange->connect_to);
    aggr_buf_deinit(&exchange->host);
    free(exchange);
}

enum aggr_err aggr_exchange_prepare(struct aggr_exchange *exchange,
                                    const struct aggr_exchange_request *request,
                                    struct aggr_sink *sink, struct aggr_taught *taught,
                                    unsigned *http2_heard)
{
    exchange->request = request;
    exchange->sink = sink;
    exchange->taught = taught;
    exchange->http2_heard = http2_heard;
    aggr_buf_clear(&exchange->head);
    exchange->head_done = exchange->connected = exchange->stopped = exchange->http2 = false;
    exchange->retried = false;
    exchange->interim = 0;
    exchange->fd = -1;
    /* A proxy's answer to CONNECT has fields as well, which on_header does not see. */
    curl_easy_setopt(exchange->easy, CURLOPT_VERBOSE,
                     request->route->proxy && request->url->https ? 1L : 0L);
    exchange->failure.code = AGGR_OK;
    exchange->error[0] = '\0';
    return aggr_curl_request(exchange);
}

/* The TCP connection stands: curl tells its times only once TLS stands, too. */
static bool has_peer(const struct aggr_exchange *exchange)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    return exchange->fd >= 0 && !exchange->request->route->proxy &&
           getpeername(exchange->fd, (struct sockaddr *)&peer, &len) == 0;
}

enum aggr_phase aggr_exchange_phase(struct aggr_exchange *exchange)
{
    const struct aggr_exchange_request *request = exchange->request;
    curl_off_t amount = 0;
    if (exchange->head_done)
        return AGGR_PHASE_BODY;
    if (!exchange->connected)
        return request->url->https && has_peer(exchange) ? AGGR_PHASE_TLS : AGGR_PHASE_CONNECT;
    if (exchange->head.len > 0 || request->body_len == 0)
        return AGGR_PHASE_WAIT;
    curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_UPLOAD_T, &amount);
    return (size_t)amount < request->body_len ? AGGR_PHASE_WRITE : AGGR_PHASE_WAIT;
}

void aggr_exchange_result(struct aggr_exchange *exchange, CURLcode code, struct aggr_end *end)
{
    if (exchange->stopped) {
        end->failure = exchange->failure;
        aggr_failure_set(&end->failure, AGGR_ERR_CANCELLED, AGGR_PHASE_BODY, "not wanted");
        return;
    }
    aggr_curl_result(exchange, code, &end->failure);
    if (exchange->request->url->https && exchange->connected) {
        curl_off_t connect_us = 0, tls_us = 0;
        curl_easy_getinfo(exchange->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
        curl_easy_getinfo(exchange->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
        end->tls_ns = tls_us > connect_us ? (uint64_t)(tls_us - connect_us) * 1000 : 0;
    }
}

void aggr_exchange_reset(struct aggr_exchange *exchange)
{
    if (exchange->teach.len > 0) { /* not read by curl yet, perhaps, and about to change */
        curl_easy_setopt(exchange->easy, CURLOPT_RESOLVE, NULL);
        aggr_buf_clear(&exchange->teach);
    }
    if (exchange->head.cap > 16384)
        aggr_buf_deinit(&exchange->head);
    exchange->sink = NULL;
    exchange->request = NULL;
}
