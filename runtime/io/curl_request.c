#include "io/curl_request.h"
#include "io/headers.h"
#include <stdarg.h>
#include <string.h>

/* Into `out`, NUL included. */
__attribute__((format(printf, 2, 3))) static enum aggr_err print(struct aggr_buf *out,
                                                                 const char *template, ...)
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

static const char *bracket(const char *host, const char *which)
{
    return strchr(host, ':') ? which : "";
}

/* TLS talks to, and checks, another name than the URL's: the URL gets that name, the connection
 * goes where it would have gone, and the Host field says what it would have said. */
static bool is_renamed(const struct aggr_exchange *exchange)
{
    return exchange->policy->server_name && exchange->request->url->https;
}

static enum aggr_err print_renamed_url(struct aggr_exchange *exchange, struct aggr_buf *text)
{
    const struct aggr_url *url = exchange->request->url;
    if (print(text, "https://%s:%d%s", exchange->policy->server_name, url->port, url->target) ||
        print(&exchange->connect_to, "::%s%s%s:%d", bracket(url->host, "["), url->host,
              bracket(url->host, "]"), url->port))
        return AGGR_ERR_MEMORY;
    exchange->connect_to_node = (struct curl_slist){.data = exchange->connect_to.data};
    curl_easy_setopt(exchange->easy, CURLOPT_CONNECT_TO, &exchange->connect_to_node);
    return AGGR_OK;
}

/* The handle keeps the parsed URL: text given as CURLOPT_URL it would take apart, and put together
 * again, for every request. Without a CURLOPT_URL it asks the parsed one for the text. */
static enum aggr_err set_url_text(struct aggr_exchange *exchange, const char *text)
{
    CURL *easy = exchange->easy;
    if (!exchange->parsed_url && !(exchange->parsed_url = curl_url()))
        return AGGR_ERR_MEMORY;
    CURLUcode code = curl_url_set(exchange->parsed_url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    if (code == CURLUE_OUT_OF_MEMORY)
        return AGGR_ERR_MEMORY;
    /* What only libcurl refuses, it refuses when it starts. */
    curl_easy_setopt(easy, CURLOPT_CURLU, code == CURLUE_OK ? exchange->parsed_url : NULL);
    return curl_easy_setopt(easy, CURLOPT_URL, code == CURLUE_OK ? NULL : text) ? AGGR_ERR_MEMORY
                                                                                : AGGR_OK;
}

static enum aggr_err set_url(struct aggr_exchange *exchange)
{
    struct aggr_buf renamed = {0};
    const char *text = exchange->request->url->text;
    size_t len = strlen(text) + 1;
    enum aggr_err err = AGGR_OK;
    if (is_renamed(exchange)) {
        err = print_renamed_url(exchange, &renamed);
        text = renamed.data;
    } else if (exchange->connect_to.len > 0) {
        curl_easy_setopt(exchange->easy, CURLOPT_CONNECT_TO, NULL);
        aggr_buf_clear(&exchange->connect_to);
    } else if (exchange->url.len == len && memcmp(exchange->url.data, text, len) == 0) {
        return AGGR_OK;
    }
    aggr_buf_clear(&exchange->url);
    if (!err)
        err = set_url_text(exchange, text);
    if (!err)
        err = aggr_buf_append(&exchange->url, text, strlen(text) + 1);
    aggr_buf_deinit(&renamed);
    return err;
}

/* Which method curl thinks it is, and what it is called. */
static void set_method(struct aggr_exchange *exchange)
{
    static const char *const plain[] = {"", "GET", "HEAD", "POST"};
    const struct aggr_exchange_request *request = exchange->request;
    const char *name = request->method;
    CURL *easy = exchange->easy;
    enum aggr_exchange_method method = AGGR_EXCHANGE_GET;
    if (request->body)
        method = AGGR_EXCHANGE_BODY;
    else if (strcmp(name, "HEAD") == 0)
        method = AGGR_EXCHANGE_HEAD;
    if (method != exchange->method) {
        exchange->method = method;
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* takes back NOBODY and POST */
        if (method == AGGR_EXCHANGE_HEAD)
            curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    const char *custom = strcmp(name, plain[method]) == 0 ? "" : name;
    if (strcmp(exchange->custom, custom) != 0) {
        AGGR_CHECK(strlen(custom) < sizeof exchange->custom);
        memcpy(exchange->custom, custom, strlen(custom) + 1);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, *custom ? custom : NULL);
    }
    if (method == AGGR_EXCHANGE_BODY) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    }
}

/* http="auto" is HTTP/2 by ALPN; a plain connection could only guess, so it is HTTP/1.1. Where it
 * is HTTP/2 without asking, libcurl 7.88 starts its session anew with each request and so breaks
 * the connection at the second one: each has its own. */
static void set_version(struct aggr_exchange *exchange)
{
    int https = exchange->request->url->https;
    if (exchange->https == https)
        return;
    exchange->https = https;
    long version = https ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
    if (exchange->policy->http == AGGR_POLICY_HTTP_1)
        version = CURL_HTTP_VERSION_1_1;
    else if (exchange->policy->http == AGGR_POLICY_HTTP_2)
        version = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    long alone = !https && version == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    curl_easy_setopt(exchange->easy, CURLOPT_HTTP_VERSION, version);
    curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, alone);
    curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, alone);
}

/* Only several addresses need it: curl divides the time among them. Otherwise our own timer is
 * enough, and curl's would cost a timer of its own. */
static void set_connect_timeout(struct aggr_exchange *exchange)
{
    const struct aggr_exchange_request *request = exchange->request;
    bool several = request->answer && strchr(request->answer->addresses, ',') != NULL;
    long ms = 0;
    if (several && request->connect_timeout_ns < 86400 * AGGR_NS_PER_S)
        ms = (long)(request->connect_timeout_ns / AGGR_NS_PER_MS) + 1;
    if (ms != exchange->connect_timeout_ms)
        curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
    exchange->connect_timeout_ms = ms;
}

static void set_proxy(struct aggr_exchange *exchange)
{
    const struct aggr_proxy *proxy = exchange->request->route->proxy;
    if (proxy == exchange->proxy)
        return;
    exchange->proxy = proxy;
    curl_easy_setopt(exchange->easy, CURLOPT_PROXY, proxy ? proxy->url : "");
}

/* Names never reach curl's resolver: it is taught what we know, once per multi handle and answer.
 */
static enum aggr_err set_addresses(struct aggr_exchange *exchange)
{
    const struct aggr_exchange_request *request = exchange->request;
    const struct aggr_route *route = request->route;
    const char *address = route->address;
    aggr_buf_clear(&exchange->teach);
    if (route->unix_socket || address == route->host)
        return AGGR_OK; /* nothing to look up, or an address already */
    exchange->answer_id = address ? UINT64_MAX : request->answer->id;
    if (print(&exchange->name, "%s:%d", route->host, route->port))
        return AGGR_ERR_MEMORY;
    uint64_t known = aggr_taught_find(exchange->taught, exchange->name.data);
    if (known == exchange->answer_id)
        return AGGR_OK;
    if (print(&exchange->teach, "%s:%s%s%s", exchange->name.data,
              address ? bracket(address, "[") : "", address ? address : request->answer->addresses,
              address ? bracket(address, "]") : ""))
        return AGGR_ERR_MEMORY;
    exchange->teach_node = (struct curl_slist){.data = exchange->teach.data};
    char *oldest = known ? NULL : aggr_taught_drop(exchange->taught);
    if (oldest) {
        enum aggr_err err = print(&exchange->forget, "-%s", oldest);
        free(oldest);
        if (err)
            return err;
        exchange->forget_node = (struct curl_slist){.data = exchange->forget.data};
        exchange->teach_node.next = &exchange->forget_node;
    }
    curl_easy_setopt(exchange->easy, CURLOPT_RESOLVE, &exchange->teach_node);
    return AGGR_OK;
}

/* What curl would add by itself, and what it has to say instead; NULL-terminated. */
static enum aggr_err list_extras(struct aggr_exchange *exchange, const char *extras[4])
{
    const struct aggr_exchange_request *request = exchange->request;
    const char *block = request->headers;
    size_t len = request->headers_len, count = 0;
    if (request->body && !aggr_headers_have(block, len, "content-type"))
        extras[count++] = "Content-Type:";
    if (request->body && !aggr_headers_have(block, len, "expect"))
        extras[count++] = "Expect:";
    extras[count] = NULL;
    if (!is_renamed(exchange) || aggr_headers_have(block, len, "host"))
        return AGGR_OK;
    const char *authority = strstr(request->url->text, "://") + 3;
    int authority_len = (int)(request->url->target - authority);
    if (print(&exchange->host, "Host: %.*s", authority_len, authority))
        return AGGR_ERR_MEMORY;
    extras[count++] = exchange->host.data;
    extras[count] = NULL;
    return AGGR_OK;
}

/* Copy the lines behind the nodes; an empty value is written "Name;" for curl. */
static void fill_list(struct curl_slist *node, char *text,
                      const struct aggr_exchange_request *request, const char *const *extras)
{
    struct aggr_header header;
    for (size_t at = 0; aggr_headers_next(request->headers, request->headers_len, &at, &header);
         node++) {
        size_t len = (size_t)(header.value + header.value_len - header.name);
        node->data = text;
        node->next = node + 1;
        memcpy(text, header.name, len);
        if (header.value_len == 0) {
            len = header.name_len + 1;
            text[header.name_len] = ';';
        }
        text[len] = '\0';
        text += len + 1;
    }
    for (; *extras; extras++, node++) {
        node->data = (char *)*extras; /* curl reads it only */
        node->next = node + 1;
    }
    node[-1].next = NULL;
}

/* Is it the block whose lines, and no more, the list has already? */
static bool is_same_block(const struct aggr_exchange *exchange)
{
    const struct aggr_exchange_request *request = exchange->request;
    size_t len = exchange->block.len;
    return len > 0 && len == request->headers_len &&
           memcmp(exchange->block.data, request->headers, len) == 0;
}

static enum aggr_err keep_block(struct aggr_exchange *exchange)
{
    aggr_buf_clear(&exchange->block);
    return aggr_buf_append(&exchange->block, exchange->request->headers,
                           exchange->request->headers_len);
}

static enum aggr_err set_headers(struct aggr_exchange *exchange)
{
    const struct aggr_exchange_request *request = exchange->request;
    const char *extras[4];
    size_t lines = 0, extra = 0;
    if (list_extras(exchange, extras))
        return AGGR_ERR_MEMORY;
    while (extras[extra])
        extra++;
    if (extra == 0 && is_same_block(exchange))
        return AGGR_OK;
    for (size_t i = 0; i < request->headers_len; i++)
        lines += request->headers[i] == '\n';
    size_t nodes = (lines + extra) * sizeof(struct curl_slist);
    if (nodes == 0) {
        aggr_buf_clear(&exchange->block);
        curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, NULL);
        return AGGR_OK;
    }
    aggr_buf_clear(&exchange->block);
    aggr_buf_clear(&exchange->headers);
    if (aggr_buf_reserve(&exchange->headers, nodes + request->headers_len + 1))
        return AGGR_ERR_MEMORY;
    struct curl_slist *first = (struct curl_slist *)exchange->headers.data;
    fill_list(first, exchange->headers.data + nodes, request, extras);
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, first);
    return extra == 0 ? keep_block(exchange) : AGGR_OK;
}

enum aggr_err aggr_curl_request(struct aggr_exchange *exchange)
{
    enum aggr_err err = set_url(exchange);
    if (!err)
        err = set_addresses(exchange);
    if (!err)
        err = set_headers(exchange);
    set_method(exchange);
    set_version(exchange);
    set_proxy(exchange);
    set_connect_timeout(exchange);
    return err;
}
