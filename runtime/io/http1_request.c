#include "io/http1_request.h"
#include <string.h>
#include <strings.h>

/* Room for what stands around method, target, host and the given lines. */
enum { FRAME_MAX = 128 };

static char *put(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

static bool is_named(const char *line, size_t len, const char *name, size_t name_len)
{
    return len > name_len && line[name_len] == ':' && strncasecmp(line, name, name_len) == 0;
}

/* The block's lines, "Name: value\n" each, as they go out. Notes which of those that we would add
 * are among them. */
static char *put_lines(char *at, const struct aggr_exchange_request *request, bool *has_accept)
{
    const char *line = request->headers, *end = line + request->headers_len;
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)(next - line);
        if ((*line | 0x20) == 'a' && is_named(line, len, "accept", 6))
            *has_accept = true;
        at = put(at, line, len);
        at = PUT(at, "\r\n");
        line = next + 1;
    }
    return at;
}

static bool has_host(const struct aggr_exchange_request *request)
{
    const char *line = request->headers, *end = line + request->headers_len;
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        if ((*line | 0x20) == 'h' && is_named(line, (size_t)(next - line), "host", 4))
            return true;
        line = next + 1;
    }
    return false;
}

static char *put_length(char *at, size_t length)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%zu", length);
    at = PUT(at, "Content-Length: ");
    at = put(at, digits, (size_t)len);
    return PUT(at, "\r\n");
}

enum aggr_err aggr_http1_request(struct aggr_buf *out, const struct aggr_exchange_request *request)
{
    const struct aggr_url *url = request->url;
    const char *authority = url->text + strlen(url->scheme) + 3; /* behind "://" */
    size_t method_len = strlen(request->method), target_len = strlen(url->target);
    size_t authority_len = (size_t)(url->target - authority);
    bool has_accept = false;
    aggr_buf_clear(out);
    /* Each line grows by one byte at most, and is two bytes long at least. */
    if (aggr_buf_reserve(out, method_len + target_len + authority_len +
                                  request->headers_len * 3 / 2 + FRAME_MAX))
        return AGGR_ERR_MEMORY;
    char *at = put(out->data, request->method, method_len);
    at = PUT(at, " ");
    at = put(at, url->target, target_len);
    at = PUT(at, " HTTP/1.1\r\n");
    if (!has_host(request)) {
        at = PUT(at, "Host: ");
        at = put(at, authority, authority_len);
        at = PUT(at, "\r\n");
    }
    at = put_lines(at, request, &has_accept);
    if (!has_accept)
        at = PUT(at, "Accept: */*\r\n");
    if (request->body)
        at = put_length(at, request->body_len);
    at = PUT(at, "\r\n");
    out->len = (size_t)(at - out->data);
    return AGGR_OK;
}

bool aggr_http1_idempotent(const char *method)
{
    static const char *const known[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(method, known[i]) == 0)
            return true;
    }
    return false;
}
