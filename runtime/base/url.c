#include "base/url.h"
#include "base/url_authority.h"
#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* Of an origin beside the host. */
enum { ORIGIN_FRAME = sizeof "https://[]:65535" };

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

/* Path and query of what follows an authority. */
static void split_target(struct parts *parts, struct aggr_span rest)
{
    parts->path = aggr_span_cut(&rest, aggr_span_until(rest, "?"));
    if (rest.len) {
        parts->has_query = true;
        aggr_span_cut(&rest, 1);
        parts->query = rest;
    }
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
    split_target(&parts, rest);
    return parts;
}

static enum aggr_err check_bytes(struct aggr_url_parse *parse, const char *text, size_t len,
                                 bool spaces)
{
    if (len > AGGR_URL_MAX)
        return aggr_url_refuse(parse, "longer than 64 KiB");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c > ' ' && c != 0x7f)
            continue;
        if (c != ' ')
            return aggr_url_refuse(parse, "it contains a control character");
        if (!spaces)
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

#define BIT(c) ((uint64_t)1 << ((c)&63))

/* What may stand raw in a path or query. */
static bool is_raw(unsigned char c)
{
    static const uint64_t RAW[4] = {
        ~(BIT(' ' + 1) - 1) & ~(BIT('"') | BIT('<') | BIT('>')),
        ~(BIT('\\') | BIT('^') | BIT('`') | BIT('{') | BIT('|') | BIT('}') | BIT(0x7f)),
    };
    return RAW[c >> 6] & BIT(c);
}

/* How long `text` is with the rest percent-encoded. */
static size_t encoded_len(struct aggr_span text)
{
    size_t len = text.len;
    for (size_t i = 0; i < text.len; i++)
        len += is_raw((unsigned char)text.at[i]) ? 0 : 2;
    return len;
}

/* Writes it so; returns the end. */
static char *put_encoded(char *out, struct aggr_span text)
{
    static const char HEX[] = "0123456789ABCDEF";
    if (encoded_len(text) == text.len)
        return (char *)memcpy(out, text.at, text.len) + text.len;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (is_raw(c)) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = HEX[c >> 4];
            *out++ = HEX[c & 15];
        }
    }
    return out;
}

/* RFC 3986 §5.2.4 on the `len` bytes of `path`, in place; how many are left. */
static size_t remove_dot_segments(char *path, size_t len)
{
    size_t out = 0;
    if (!memmem(path, len, "/.", 2))
        return len;
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
    return out;
}

static char *put(char *out, const char *text)
{
    size_t len = strlen(text);
    memcpy(out, text, len + 1);
    return out + len;
}

/* "https://host:8443" of what has been taken so far. By hand: it is made for every request. */
static void make_origin(struct aggr_url_parse *parse)
{
    struct aggr_url *url = parse->url;
    bool v6 = strchr(url->host, ':') != NULL;
    char digits[6], *digit = digits + 5;
    url->scheme = url->https ? "https" : "http";
    url->origin = aggr_url_room(parse, strlen(url->host) + ORIGIN_FRAME);
    char *out = put(put(url->origin, url->scheme), v6 ? "://[" : "://");
    out = put(put(out, url->host), v6 ? "]:" : ":");
    *digit = '\0';
    for (int port = url->port; port > 0; port /= 10)
        *--digit = (char)('0' + port % 10);
    put(out, digit);
}

/* Writes path and query; `directory` stands before a relative path. */
static void put_target(char *path, struct aggr_span directory, const struct parts *parts)
{
    char *out = put_encoded(path, directory);
    out = put_encoded(out, parts->path);
    out = path + remove_dot_segments(path, (size_t)(out - path));
    if (out == path)
        *out++ = '/';
    if (parts->has_query) {
        *out++ = '?';
        out = put_encoded(out, parts->query);
    }
    *out = '\0';
}

/* url->text and target from the origin and the given path and query. */
static void make_text(struct aggr_url_parse *parse, struct aggr_span directory,
                      const struct parts *parts)
{
    struct aggr_url *url = parse->url;
    const char *end = url->origin + strlen(url->origin);
    if (url->port == (url->https ? 443 : 80))
        end = strrchr(url->origin, ':');
    size_t authority = (size_t)(end - url->origin);
    url->text = memcpy(parse->room, url->origin, authority);
    url->target = url->text + authority;
    put_target(url->text + authority, directory, parts);
}

static char *put_copy(struct aggr_url_parse *parse, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(aggr_url_room(parse, size), text, size);
}

/* The most that put_target writes. */
static size_t target_room(struct aggr_span directory, const struct parts *parts)
{
    return encoded_len(directory) + encoded_len(parts->path) +
           (parts->has_query ? encoded_len(parts->query) : 0) + sizeof "/?";
}

/* One block for all that the URL can become. */
static enum aggr_err make_room(struct aggr_url_parse *parse, struct aggr_span authority,
                               struct aggr_span directory, const struct parts *parts)
{
    size_t of_authority = aggr_url_authority_room(authority);
    size_t of_userinfo = parse->userinfo ? strlen(parse->userinfo) + 1 : 0;
    size_t size =
        of_userinfo + 3 * of_authority + 2 * (size_t)ORIGIN_FRAME + target_room(directory, parts);
    parse->room = malloc(size);
    parse->url->block = parse->room;
    parse->url->size = size;
    return parse->room ? AGGR_OK : aggr_url_no_memory(parse);
}

/* Completes parse->url, whose scheme is set already. On failure nothing is left of it. */
static enum aggr_err build(struct aggr_url_parse *parse, struct aggr_span authority,
                           struct aggr_span directory, const struct parts *parts)
{
    enum aggr_err err = make_room(parse, authority, directory, parts);
    if (!err)
        err = aggr_url_take_authority(parse, authority);
    if (err) {
        aggr_url_deinit(parse->url);
        return err;
    }
    if (parse->userinfo)
        parse->url->userinfo = put_copy(parse, parse->userinfo);
    make_origin(parse);
    make_text(parse, directory, parts);
    return AGGR_OK;
}

enum aggr_err aggr_url_parse(struct aggr_url *url, const char *text, size_t len,
                             struct aggr_failure *why)
{
    struct aggr_url_parse parse = {.url = url, .why = why, .malformed = AGGR_ERR_USAGE};
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

/* Puts the path and query of `text` in place of those of `url`. False, and nothing has been done,
 * unless its authority is the same in the same spelling, and there is room. */
static bool replace_target(struct aggr_url *url, struct aggr_span text)
{
    size_t authority = (size_t)(url->target - url->text);
    if (!url->block || url->userinfo || text.len <= authority || text.at[authority] != '/' ||
        memcmp(text.at, url->text, authority) != 0)
        return false;
    struct parts parts = {0};
    struct aggr_span nothing = {"", 0};
    char *target = url->text + authority;
    text.len = aggr_span_until(text, "#");
    aggr_span_cut(&text, authority);
    split_target(&parts, text);
    if (target_room(nothing, &parts) > url->size - (size_t)(target - url->block))
        return false;
    put_target(target, nothing, &parts);
    return true;
}

enum aggr_err aggr_url_parse_again(struct aggr_url *url, const char *text, size_t len,
                                   struct aggr_failure *why)
{
    struct aggr_url_parse parse = {.url = url, .why = why, .malformed = AGGR_ERR_USAGE};
    if (check_bytes(&parse, text, len, false) == AGGR_OK &&
        replace_target(url, (struct aggr_span){text, len}))
        return AGGR_OK;
    aggr_url_deinit(url);
    return aggr_url_parse(url, text, len, why);
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
    struct aggr_url_parse parse = {.url = out, .why = why, .malformed = AGGR_ERR_PROTOCOL};
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
    parse.userinfo = base->userinfo;
    return build(&parse, (struct aggr_span){authority, strlen(authority)}, directory, &parts);
}

bool aggr_url_same_origin(const struct aggr_url *a, const struct aggr_url *b)
{
    return strcmp(a->origin, b->origin) == 0;
}

void aggr_url_deinit(struct aggr_url *url)
{
    free(url->block);
    *url = (struct aggr_url){0};
}
