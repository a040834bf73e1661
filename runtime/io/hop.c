#include "io/hop.h"
#include "io/field.h"
#include "io/headers.h"
#include <string.h>

/* Room for what add_default_headers adds. */
enum { DEFAULTS_MAX = 96 };

static enum aggr_err add_default_headers(struct aggr_buf *headers)
{
    static const char *const defaults[][2] = {
        {"accept-encoding", "Accept-Encoding: gzip, br, zstd\n"},
        {"user-agent", "User-Agent: aggr/" AGGR_VERSION "\n"},
    };
    size_t given = headers->len;
    enum aggr_err err = AGGR_OK;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults && !err; i++) {
        if (!aggr_headers_have(headers->data, given, defaults[i][0]))
            err = aggr_buf_append(headers, defaults[i][1], strlen(defaults[i][1]));
    }
    return err;
}

/* Userinfo of the URL becomes Basic authentication, unless a header says otherwise. */
static enum aggr_err authorize(struct aggr_hop *hop)
{
    if (!hop->url.userinfo ||
        aggr_headers_have(hop->headers.data, hop->headers.len, "authorization"))
        return AGGR_OK;
    return aggr_headers_append_basic(&hop->headers, hop->url.userinfo);
}

static bool check_method(const struct aggr_hop_request *request, struct aggr_failure *why)
{
    const char *method = request->method;
    size_t len = strlen(method);
    const char *complaint = NULL;
    if (len > AGGR_HOP_METHOD_MAX || !aggr_field_token(method, len))
        complaint = "is not a method";
    else if (strcmp(method, "CONNECT") == 0 || strcmp(method, "TRACE") == 0)
        complaint = "is not a method for requests";
    else if (strcmp(method, "HEAD") == 0 && request->body)
        complaint = "has no body";
    if (complaint)
        aggr_failure_set(why, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE, "'%.40s' %s", method, complaint);
    return !complaint;
}

/* A POST, PUT or PATCH without a body says that it is empty (RFC 9110 §8.6). */
static enum aggr_err copy_body(struct aggr_hop *hop, const struct aggr_hop_request *request)
{
    const char *method = hop->method;
    hop->has_body = request->body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                    strcmp(method, "PATCH") == 0;
    if (!hop->has_body)
        return AGGR_OK;
    if (aggr_buf_reserve(&hop->body, request->body_len + 1))
        return AGGR_ERR_MEMORY;
    return request->body_len ? aggr_buf_append(&hop->body, request->body, request->body_len)
                             : AGGR_OK;
}

enum aggr_err aggr_hop_init(struct aggr_hop *hop, const struct aggr_hop_request *request,
                            struct aggr_failure *why)
{
    enum aggr_err err = aggr_url_parse_again(&hop->url, request->url, request->url_len, why);
    if (!err && (!check_method(request, why) ||
                 !aggr_headers_check(request->headers, request->headers_len, why)))
        err = AGGR_ERR_USAGE;
    if (err)
        return err;
    strcpy(hop->method, request->method);
    err = aggr_buf_reserve(&hop->headers, request->headers_len + DEFAULTS_MAX);
    if (!err)
        err = aggr_buf_append(&hop->headers, request->headers, request->headers_len);
    if (!err)
        err = add_default_headers(&hop->headers);
    if (!err)
        err = authorize(hop);
    if (!err)
        err = copy_body(hop, request);
    if (err)
        aggr_failure_set(why, err, AGGR_PHASE_QUEUE, "out of memory");
    return err;
}

void aggr_hop_deinit(struct aggr_hop *hop)
{
    aggr_url_deinit(&hop->url);
    aggr_buf_deinit(&hop->headers);
    aggr_buf_deinit(&hop->body);
}

const char *aggr_hop_location(const struct aggr_response *response, size_t *len)
{
    size_t cursor = 0;
    switch (response->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return aggr_response_field(response, "location", &cursor, len);
    default:
        return NULL;
    }
}

/* 303 asks for a GET; 301 and 302 do so after a POST, as everybody has always understood them. */
static bool becomes_get(const struct aggr_hop *hop, int status)
{
    if (status == 303)
        return strcmp(hop->method, "GET") != 0 && strcmp(hop->method, "HEAD") != 0;
    return (status == 301 || status == 302) && strcmp(hop->method, "POST") == 0;
}

static enum aggr_err keep_headers(struct aggr_hop *hop,
                                  enum aggr_err (*copy)(struct aggr_buf *, const char *, size_t))
{
    struct aggr_buf kept = {0};
    enum aggr_err err = copy(&kept, hop->headers.data, hop->headers.len);
    if (err) {
        aggr_buf_deinit(&kept);
        return err;
    }
    aggr_buf_deinit(&hop->headers);
    hop->headers = kept;
    return AGGR_OK;
}

enum aggr_err aggr_hop_follow(struct aggr_hop *hop, int status, const char *location, size_t len,
                              struct aggr_failure *why)
{
    struct aggr_url next = {0};
    enum aggr_err err = aggr_url_resolve(&next, &hop->url, location, len, why);
    why->phase = AGGR_PHASE_BODY;
    if (err)
        return err;
    if (becomes_get(hop, status)) {
        strcpy(hop->method, "GET");
        hop->has_body = false;
        aggr_buf_deinit(&hop->body);
        err = keep_headers(hop, aggr_headers_copy_bodiless);
    }
    if (!err && !aggr_url_same_origin(&hop->url, &next))
        err = keep_headers(hop, aggr_headers_copy_safe);
    aggr_url_deinit(&hop->url);
    hop->url = next;
    if (!err)
        err = authorize(hop);
    if (err)
        aggr_failure_set(why, err, AGGR_PHASE_BODY, "out of memory");
    return err;
}
