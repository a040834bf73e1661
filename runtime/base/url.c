#include "base/url.h"
#include "base/buf.h"
#include "base/url_authority.h"
#include <ctype.h>
#include <string.h>

/* The components of a reference, RFC 3986 appendix B; the fragment is left out. */
struct parts {
    struct aggr_span scheme, authority, path, query;
    bool has_scheme, has_authority, has_query;
};

static bool is_scheme(struct aggr_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (!isalpha(c) && (i == 0 || !(isdigit(c) || c == '+' || c == '-' || c == '.')))
            return false;
    }
    return text.len > 0;
}

static struct parts split(const char *text, size_t len)
{
    struct parts parts = {0};
    struct aggr_span rest = {text, len};
    rest.len = aggr_span_until(rest, "#");
    size_t colon = aggr_span_until(rest, ":/?");
    if (colon < rest.len && rest.at[colon] == ':' &&
        is_scheme((struct aggr_span){rest.at, colon})) {
        parts.has_scheme = true;
        parts.scheme = aggr_span_cut(&rest, colon);
        aggr_span_cut(&rest, 1);
    }
    if (rest.len >= 2 && rest.at[0] == '/' && rest.at[1] == '/') {
        parts.has_authority = true;
        aggr_span_cut(&rest, 2);
        parts.authority = aggr_span_cut(&rest, aggr_span_until(rest, "/?"));
    }
    parts.path = aggr_span_cut(&rest, aggr_span_until(rest, "?"));
    if (rest.len) {
        parts.has_query = true;
        aggr_span_cut(&rest, 1);
        parts.query = rest;
    }
    return parts;
}

static enum aggr_err check_bytes(struct aggr_url_parse *parse, const char *text, size_t len,
                                 bool spaces)
{
    if (len > AGGR_URL_MAX)
        return aggr_url_refuse(parse, "longer than 64 KiB");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            return aggr_url_refuse(parse, "it contains a control character");
        if (c == ' ' && !spaces)
            return aggr_url_refuse(parse, "it contains a space: write %20");
    }
    return AGGR_OK;
}

/* Sets url->https from `scheme`. */
static enum aggr_err take_scheme(struct aggr_url_parse *parse, struct aggr_span scheme)
{
    if (aggr_span_is(scheme, "https"))
        parse->url->https = true;
    else if (!aggr_span_is(scheme, "http")) {
        enum aggr_err code = parse->malformed == AGGR_ERR_USAGE ? AGGR_ERR_USAGE : AGGR_ERR_DENIED;
        aggr_failure_set(parse->why, code, AGGR_PHASE_QUEUE,
                         "scheme '%.*s' is not supported, only http and https",
                         (int)(scheme.len < 32 ? scheme.len : 32), scheme.at);
        return code;
    }
    return AGGR_OK;
}

/* What must not stand raw in a path or query. */
static bool is_raw(unsigned char c)
{
    switch (c) {
    case '"':
    case '<':
    case '>':
    case '\\':
    case '^':
    case '`':
    case '{':
    case '|':
    case '}':
        return false;
    default:
        return c > 0x20 && c < 0x7f;
    }
}

/* Appends `text`, percent-encoding the rest. */
static enum aggr_err append_encoded(struct aggr_buf *buf, struct aggr_span text)
{
    static const char HEX[] = "0123456789ABCDEF";
    enum aggr_err err = aggr_buf_reserve(buf, text.len * 3 + 1);
    if (err)
        return err;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (is_raw(c)) {
            buf->data[buf->len++] = (char)c;
        } else {
            buf->data[buf->len++] = '%';
            buf->data[buf->len++] = HEX[c >> 4];
            buf->data[buf->len++] = HEX[c & 15];
        }
    }
    return AGGR_OK;
}

/* RFC 3986 §5.2.4 on the path that begins at buf[start], in place. */
static void remove_dot_segments(struct aggr_buf *buf, size_t start)
{
    char *path = buf->data + start;
    size_t len = buf->len - start, out = 0;
    for (size_t in = 0; in < len;) { /* path[in] is the slash before a segment */
        size_t n = 1;
        while (in + n < len && path[in + n] != '/')
            n++;
        bool last = in + n == len;
        bool one = n == 2 && path[in + 1] == '.';
        bool two = n == 3 && path[in + 1] == '.' && path[in + 2] == '.';
        if (two)
            while (out > 0 && path[--out] != '/')
                ;
        if (!one && !two) {
            memmove(path + out, path + in, n);
            out += n;
        } else if (last) {
            path[out++] = '/';
        }
        in += n;
    }
    buf->len = start + out;
}

static char *put(char *out, const char *text)
{
    size_t len = strlen(text);
    memcpy(out, text, len + 1);
    return out + len;
}

/* "https://host:8443" of what has been taken so far. By hand: it is made for every request. */
static enum aggr_err make_origin(struct aggr_url *url)
{
    bool v6 = strchr(url->host, ':') != NULL;
    char digits[6], *digit = digits + 5;
    url->scheme = url->https ? "https" : "http";
    url->origin = malloc(strlen(url->host) + sizeof "https://[]:65535");
    if (!url->origin)
        return AGGR_ERR_MEMORY;
    char *out = put(put(url->origin, url->scheme), v6 ? "://[" : "://");
    out = put(put(out, url->host), v6 ? "]:" : ":");
    *digit = '\0';
    for (int port = url->port; port > 0; port /= 10)
        *--digit = (char)('0' + port % 10);
    put(out, digit);
    return AGGR_OK;
}

/* url->text and target from the origin and the given path and query; `directory` stands before a
 * relative path. */
static enum aggr_err make_text(struct aggr_url *url, struct aggr_span directory,
                               const struct parts *parts)
{
    struct aggr_buf buf = {0};
    size_t authority = strlen(url->origin);
    if (url->port == (url->https ? 443 : 80))
        authority = (size_t)(strrchr(url->origin, ':') - url->origin);
    enum aggr_err err = aggr_buf_append(&buf, url->origin, authority);
    if (!err)
        err = append_encoded(&buf, directory);
    if (!err)
        err = append_encoded(&buf, parts->path);
    if (!err)
        remove_dot_segments(&buf, authority);
    if (!err && buf.len == authority)
        err = aggr_buf_append(&buf, "/", 1);
    if (!err && parts->has_query)
        err = aggr_buf_append(&buf, "?", 1);
    if (!err && parts->has_query)
        err = append_encoded(&buf, parts->query);
    if (!err)
        err = aggr_buf_append(&buf, "", 1);
    if (err) {
        aggr_buf_deinit(&buf);
        return err;
    }
    url->text = buf.data;
    url->target = buf.data + authority;
    return AGGR_OK;
}

/* Completes parse->url, whose scheme is set already. On failure nothing is left of it. */
static enum aggr_err build(struct aggr_url_parse *parse, struct aggr_span authority,
                           struct aggr_span directory, const struct parts *parts)
{
    enum aggr_err err = aggr_url_take_authority(parse, authority);
    if (!err && (make_origin(parse->url) || make_text(parse->url, directory, parts)))
        err = aggr_url_no_memory(parse);
    if (err)
        aggr_url_deinit(parse->url);
    return err;
}

enum aggr_err aggr_url_parse(struct aggr_url *url, const char *text, size_t len,
                             struct aggr_failure *why)
{
    struct aggr_url_parse parse = {url, why, AGGR_ERR_USAGE};
    *url = (struct aggr_url){0};
    enum aggr_err err = check_bytes(&parse, text, len, false);
    if (err)
        return err;
    struct parts parts = split(text, len);
    bool ours = aggr_span_is(parts.scheme, "http") || aggr_span_is(parts.scheme, "https");
    if (!parts.has_scheme || (!parts.has_authority && !ours)) /* "api.test:80/x" looks like one */
        return aggr_url_refuse(&parse, "no scheme: it must begin with http:// or https://");
    err = take_scheme(&parse, parts.scheme);
    if (err)
        return err;
    if (!parts.has_authority)
        return aggr_url_refuse(&parse, "no // after the scheme");
    return build(&parse, parts.authority, (struct aggr_span){"", 0}, &parts);
}

/* Keeps the parts of `base` that a reference without an authority leaves alone; the directory that
 * its relative path is merged with. */
static struct aggr_span inherit(const struct aggr_url *base, struct parts *parts)
{
    struct aggr_span none = {"", 0};
    struct aggr_span rest = {base->target, strlen(base->target)};
    struct aggr_span path = aggr_span_cut(&rest, aggr_span_until(rest, "?"));
    if (parts->path.len == 0) {
        parts->path = path;
        if (!parts->has_query && rest.len) {
            parts->has_query = true;
            parts->query = (struct aggr_span){rest.at + 1, rest.len - 1};
        }
        return none;
    }
    if (parts->path.at[0] == '/')
        return none;
    while (path.at[path.len - 1] != '/')
        path.len--;
    return path;
}

enum aggr_err aggr_url_resolve(struct aggr_url *out, const struct aggr_url *base,
                               const char *reference, size_t len, struct aggr_failure *why)
{
    struct aggr_url_parse parse = {out, why, AGGR_ERR_PROTOCOL};
    *out = (struct aggr_url){0};
    enum aggr_err err = check_bytes(&parse, reference, len, true);
    if (err)
        return err;
    struct parts parts = split(reference, len);
    out->https = base->https;
    if (parts.has_scheme) {
        out->https = false;
        err = take_scheme(&parse, parts.scheme);
        if (err)
            return err;
        if (!parts.has_authority)
            return aggr_url_refuse(&parse, "no // after the scheme");
    }
    if (parts.has_authority)
        return build(&parse, parts.authority, (struct aggr_span){"", 0}, &parts);
    struct aggr_span directory = inherit(base, &parts);
    const char *authority = strstr(base->origin, "://") + 3;
    err = build(&parse, (struct aggr_span){authority, strlen(authority)}, directory, &parts);
    if (!err && base->userinfo && !(out->userinfo = strdup(base->userinfo))) {
        aggr_url_deinit(out);
        err = aggr_url_no_memory(&parse);
    }
    return err;
}

bool aggr_url_same_origin(const struct aggr_url *a, const struct aggr_url *b)
{
    return strcmp(a->origin, b->origin) == 0;
}

void aggr_url_deinit(struct aggr_url *url)
{
    free(url->text);
    free(url->host);
    free(url->origin);
    free(url->userinfo);
    *url = (struct aggr_url){0};
}
