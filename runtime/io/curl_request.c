#include "io/curl_request.h"
#include "io/headers.h"
#include <string.h>

/* Which method curl thinks it is, and what it is called. */
static void set_method(struct aggr_exchange *exchange)
{
    static const char *const plain[] = {"", "GET", "HEAD", "POST"};
    const struct aggr_exchange_request *request = exchange->request;
    const char *name = request->method;
    CURL *easy = exchange->handle.easy;
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
    if (exchange->handle.policy->http == AGGR_POLICY_HTTP_1)
        version = CURL_HTTP_VERSION_1_1;
    else if (exchange->handle.policy->http == AGGR_POLICY_HTTP_2)
        version = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    long alone = !https && version == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    curl_easy_setopt(exchange->handle.easy, CURLOPT_HTTP_VERSION, version);
    curl_easy_setopt(exchange->handle.easy, CURLOPT_FRESH_CONNECT, alone);
    curl_easy_setopt(exchange->handle.easy, CURLOPT_FORBID_REUSE, alone);
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
    if (!aggr_curl_handle_renamed(&exchange->handle) || aggr_headers_have(block, len, "host"))
        return AGGR_OK;
    const char *authority = strstr(request->url->text, "://") + 3;
    int authority_len = (int)(request->url->target - authority);
    if (aggr_curl_handle_print(&exchange->host, "Host: %.*s", authority_len, authority))
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
        curl_easy_setopt(exchange->handle.easy, CURLOPT_HTTPHEADER, NULL);
        return AGGR_OK;
    }
    aggr_buf_clear(&exchange->block);
    aggr_buf_clear(&exchange->headers);
    if (aggr_buf_reserve(&exchange->headers, nodes + request->headers_len + 1))
        return AGGR_ERR_MEMORY;
    struct curl_slist *first = (struct curl_slist *)exchange->headers.data;
    fill_list(first, exchange->headers.data + nodes, request, extras);
    curl_easy_setopt(exchange->handle.easy, CURLOPT_HTTPHEADER, first);
    return extra == 0 ? keep_block(exchange) : AGGR_OK;
}

enum aggr_err aggr_curl_request(struct aggr_exchange *exchange)
{
    set_method(exchange);
    set_version(exchange);
    return set_headers(exchange);
}
