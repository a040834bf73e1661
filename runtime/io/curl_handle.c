#include "io/curl_handle.h"
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum aggr_err aggr_curl_handle_print(struct aggr_buf *out, const char *template, ...)
{
    va_list args;
    va_start(args, template);
    int len = vsnprintf(NULL, 0, template, args);
    va_end(args);
    aggr_buf_clear(out);
    if (aggr_buf_reserve(out, (size_t)len + 1))
        return AGGR_ERR_MEMORY;
    va_start(args, template);
    vsnprintf(out->data, (size_t)len + 1, template, args);
    va_end(args);
    out->len = (size_t)len + 1;
    return AGGR_OK;
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
    struct aggr_curl_handle *handle = self;
    if (type != CURLINFO_HEADER_IN || len == 0 || is_status_line(line, len))
        return 0;
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L);
    if (*line != ' ' && *line != '\t')
        return 0;
    *line = '?';
    handle->folded = true;
    return 0;
}

void aggr_curl_handle_watch_head(struct aggr_curl_handle *handle)
{
    curl_easy_setopt(handle->easy, CURLOPT_VERBOSE, 1L);
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

/* What holds for every connection. */
static void set_constants(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

static curl_socket_t on_open(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct aggr_curl_handle *handle = self;
    struct aggr_sockets *sockets = handle->sockets;
    (void)purpose;
    const void *before = aggr_ledger_act_for(&sockets->loop->ledger, handle->to.doer);
    int fd = aggr_sockets_open(sockets, address->family, address->socktype, address->protocol);
    aggr_ledger_act_for(&sockets->loop->ledger, before);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *sockets, curl_socket_t fd)
{
    return aggr_sockets_close(sockets, fd);
}

/* A connection may outlive the handle that has opened it. */
static void set_sockets(struct aggr_curl_handle *handle, struct aggr_sockets *sockets)
{
    CURL *easy = handle->easy;
    handle->sockets = sockets;
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, handle);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
}

enum aggr_err aggr_curl_handle_init(struct aggr_curl_handle *handle,
                                    const struct aggr_policy *policy, struct aggr_sockets *sockets)
{
    CURL *easy = curl_easy_init();
    aggr_list_init(&handle->link);
    if (!easy)
        return AGGR_ERR_MEMORY;
    handle->easy = easy;
    handle->policy = policy;
    set_constants(easy);
    set_tls(easy, policy);
    set_sockets(handle, sockets);
    if (policy->unix_socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, policy->unix_socket);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, handle);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->error);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, handle);
    return AGGR_OK;
}

void aggr_curl_handle_deinit(struct aggr_curl_handle *handle)
{
    curl_easy_cleanup(handle->easy);
    aggr_buf_deinit(&handle->name);
    aggr_buf_deinit(&handle->url);
    curl_url_cleanup(handle->parsed_url);
    aggr_buf_deinit(&handle->teach);
    aggr_buf_deinit(&handle->forget);
    aggr_buf_deinit(&handle->connect_to);
}

static const char *bracket(const char *host, const char *which)
{
    return strchr(host, ':') ? which : "";
}

bool aggr_curl_handle_renamed(const struct aggr_curl_handle *handle)
{
    return handle->policy->server_name && handle->to.url->https;
}

/* The URL gets the other name, the connection goes where it would have gone. */
static enum aggr_err print_renamed_url(struct aggr_curl_handle *handle, struct aggr_buf *text)
{
    const struct aggr_url *url = handle->to.url;
    if (aggr_curl_handle_print(text, "https://%s:%d%s", handle->policy->server_name, url->port,
                               url->target) ||
        aggr_curl_handle_print(&handle->connect_to, "::%s%s%s:%d", bracket(url->host, "["),
                               url->host, bracket(url->host, "]"), url->port))
        return AGGR_ERR_MEMORY;
    handle->connect_to_node = (struct curl_slist){.data = handle->connect_to.data};
    curl_easy_setopt(handle->easy, CURLOPT_CONNECT_TO, &handle->connect_to_node);
    return AGGR_OK;
}

/* The handle keeps the parsed URL: text given as CURLOPT_URL it would take apart, and put together
 * again, for every request. Without a CURLOPT_URL it asks the parsed one for the text. */
static enum aggr_err set_url_text(struct aggr_curl_handle *handle, const char *text)
{
    CURL *easy = handle->easy;
    if (!handle->parsed_url && !(handle->parsed_url = curl_url()))
        return AGGR_ERR_MEMORY;
    CURLUcode code = curl_url_set(handle->parsed_url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    if (code == CURLUE_OUT_OF_MEMORY)
        return AGGR_ERR_MEMORY;
    /* What only libcurl refuses, it refuses when it starts. */
    curl_easy_setopt(easy, CURLOPT_CURLU, code == CURLUE_OK ? handle->parsed_url : NULL);
    return curl_easy_setopt(easy, CURLOPT_URL, code == CURLUE_OK ? NULL : text) ? AGGR_ERR_MEMORY
                                                                                : AGGR_OK;
}

static enum aggr_err set_url(struct aggr_curl_handle *handle, const char *text)
{
    struct aggr_buf renamed = {0};
    size_t len = strlen(text) + 1;
    enum aggr_err err = AGGR_OK;
    if (aggr_curl_handle_renamed(handle)) {
        err = print_renamed_url(handle, &renamed);
        text = renamed.data;
    } else if (handle->connect_to.len > 0) {
        curl_easy_setopt(handle->easy, CURLOPT_CONNECT_TO, NULL);
        aggr_buf_clear(&handle->connect_to);
    } else if (handle->url.len == len && memcmp(handle->url.data, text, len) == 0) {
        return AGGR_OK;
    }
    aggr_buf_clear(&handle->url);
    if (!err)
        err = set_url_text(handle, text);
    if (!err)
        err = aggr_buf_append(&handle->url, text, strlen(text) + 1);
    aggr_buf_deinit(&renamed);
    return err;
}

/* Only several addresses need it: curl divides the time among them. Otherwise our own timer is
 * enough, and curl's would cost a timer of its own. */
static void set_connect_timeout(struct aggr_curl_handle *handle)
{
    const struct aggr_dial *to = &handle->to;
    bool several = to->answer && strchr(to->answer->addresses, ',') != NULL;
    long ms = 0;
    if (several && to->connect_timeout_ns < 86400 * AGGR_NS_PER_S)
        ms = (long)(to->connect_timeout_ns / AGGR_NS_PER_MS) + 1;
    if (ms != handle->connect_timeout_ms)
        curl_easy_setopt(handle->easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
    handle->connect_timeout_ms = ms;
}

static void set_proxy(struct aggr_curl_handle *handle)
{
    const struct aggr_proxy *proxy = handle->to.route->proxy;
    if (proxy == handle->proxy)
        return;
    handle->proxy = proxy;
    curl_easy_setopt(handle->easy, CURLOPT_PROXY, proxy ? proxy->url : "");
}

/* Names never reach curl's resolver: it is taught what we know, once per multi handle and answer.
 */
static enum aggr_err set_addresses(struct aggr_curl_handle *handle)
{
    const struct aggr_route *route = handle->to.route;
    const struct aggr_answer *answer = handle->to.answer;
    const char *address = route->address;
    aggr_buf_clear(&handle->teach);
    if (route->unix_socket || address == route->host)
        return AGGR_OK; /* nothing to look up, or an address already */
    handle->answer_id = address ? UINT64_MAX : answer->id;
    if (aggr_curl_handle_print(&handle->name, "%s:%d", route->host, route->port))
        return AGGR_ERR_MEMORY;
    uint64_t known = aggr_taught_find(handle->taught, handle->name.data);
    if (known == handle->answer_id)
        return AGGR_OK;
    if (aggr_curl_handle_print(
            &handle->teach, "%s:%s%s%s", handle->name.data, address ? bracket(address, "[") : "",
            address ? address : answer->addresses, address ? bracket(address, "]") : ""))
        return AGGR_ERR_MEMORY;
    handle->teach_node = (struct curl_slist){.data = handle->teach.data};
    char *oldest = known ? NULL : aggr_taught_drop(handle->taught);
    if (oldest) {
        enum aggr_err err = aggr_curl_handle_print(&handle->forget, "-%s", oldest);
        free(oldest);
        if (err)
            return err;
        handle->forget_node = (struct curl_slist){.data = handle->forget.data};
        handle->teach_node.next = &handle->forget_node;
    }
    curl_easy_setopt(handle->easy, CURLOPT_RESOLVE, &handle->teach_node);
    return AGGR_OK;
}

enum aggr_err aggr_curl_handle_prepare(struct aggr_curl_handle *handle, const struct aggr_dial *to,
                                       const char *url, struct aggr_taught *taught)
{
    handle->to = *to;
    handle->taught = taught;
    handle->connected = handle->watched = handle->folded = false;
    handle->fd = -1;
    handle->error[0] = '\0';
    /* A proxy's answer to CONNECT has fields as well, which no header callback sees. */
    curl_easy_setopt(handle->easy, CURLOPT_VERBOSE, to->route->proxy && to->url->https ? 1L : 0L);
    set_proxy(handle);
    set_connect_timeout(handle);
    enum aggr_err err = set_url(handle, url);
    return err ? err : set_addresses(handle);
}

static void settle(struct aggr_curl_handle *handle)
{
    if (handle->starting)
        --*handle->starting;
    handle->starting = NULL;
}

void aggr_curl_handle_moved(struct aggr_curl_handle *handle, int fd)
{
    settle(handle);
    handle->watched = fd >= 0;
    if (!handle->connected)
        handle->fd = fd;
}

void aggr_curl_handle_connected(struct aggr_curl_handle *handle)
{
    settle(handle);
    handle->connected = true;
    if (handle->teach.len == 0)
        return;
    aggr_taught_note(handle->taught, handle->name.data, handle->answer_id);
    aggr_buf_clear(&handle->teach);
}

/* The TCP connection stands: curl tells its times only once TLS stands, too. */
static bool has_peer(const struct aggr_curl_handle *handle)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    return handle->fd >= 0 && !handle->to.route->proxy &&
           getpeername(handle->fd, (struct sockaddr *)&peer, &len) == 0;
}

enum aggr_phase aggr_curl_handle_phase(const struct aggr_curl_handle *handle)
{
    return handle->to.url->https && has_peer(handle) ? AGGR_PHASE_TLS : AGGR_PHASE_CONNECT;
}

uint64_t aggr_curl_handle_tls_ns(const struct aggr_curl_handle *handle)
{
    curl_off_t connect_us = 0, tls_us = 0;
    if (!handle->to.url->https)
        return 0;
    curl_easy_getinfo(handle->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
    curl_easy_getinfo(handle->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
    return tls_us > connect_us ? (uint64_t)(tls_us - connect_us) * 1000 : 0;
}

void aggr_curl_handle_reset(struct aggr_curl_handle *handle)
{
    settle(handle);
    if (handle->teach.len > 0) { /* not read by curl yet, perhaps, and about to change */
        curl_easy_setopt(handle->easy, CURLOPT_RESOLVE, NULL);
        aggr_buf_clear(&handle->teach);
    }
    handle->to = (struct aggr_dial){0};
}
