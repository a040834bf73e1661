#include "base/url_authority.h"
#include <arpa/inet.h>
#include <ctype.h>

enum aggr_err aggr_url_refuse(struct aggr_url_parse *parse, const char *text)
{
    aggr_failure_set(parse->why, parse->malformed, AGGR_PHASE_QUEUE, "bad URL: %s", text);
    return parse->malformed;
}

size_t aggr_url_authority_room(struct aggr_span text)
{
    bool v6 = text.len && memchr(text.at, '[', text.len);
    return text.len + 3 + (v6 ? INET6_ADDRSTRLEN : 0);
}

char *aggr_url_room(struct aggr_url_parse *parse, size_t size)
{
    char *room = parse->room;
    parse->room += size;
    return room;
}

enum aggr_err aggr_url_no_memory(struct aggr_url_parse *parse)
{
    aggr_failure_set(parse->why, AGGR_ERR_MEMORY, AGGR_PHASE_QUEUE, "out of memory");
    return AGGR_ERR_MEMORY;
}

static int hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Percent-decodes `text` to url->userinfo, with a colon after the user in any case. */
static enum aggr_err take_userinfo(struct aggr_url_parse *parse, struct aggr_span text)
{
    if (text.len == 0)
        return AGGR_OK;
    char *out = parse->url->userinfo = aggr_url_room(parse, text.len + 2);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '%') {
            if (text.len - i < 3 || !isxdigit((unsigned char)text.at[i + 1]) ||
                !isxdigit((unsigned char)text.at[i + 2]))
                return aggr_url_refuse(parse, "% in user or password must begin a %XX");
            c = (char)(hex_value(text.at[i + 1]) * 16 + hex_value(text.at[i + 2]));
            i += 2;
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return aggr_url_refuse(parse, "user or password contains a control character");
        *out++ = c;
    }
    if (!memchr(text.at, ':', text.len))
        *out++ = ':';
    *out = '\0';
    return AGGR_OK;
}

/* A literal IPv6 address without its brackets, to url->host in its canonical form. */
static enum aggr_err take_ipv6(struct aggr_url_parse *parse, struct aggr_span text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (text.len >= sizeof copy)
        return aggr_url_refuse(parse, "not an IPv6 address between the brackets");
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET6, copy, &address) != 1)
        return aggr_url_refuse(parse, "not an IPv6 address between the brackets");
    parse->url->host = aggr_url_room(parse, INET6_ADDRSTRLEN);
    inet_ntop(AF_INET6, &address, parse->url->host, INET6_ADDRSTRLEN);
    return AGGR_OK;
}

static enum aggr_err check_host(struct aggr_url_parse *parse, struct aggr_span text)
{
    if (text.len == 0)
        return aggr_url_refuse(parse, "no host");
    if (text.len > AGGR_URL_HOST_MAX)
        return aggr_url_refuse(parse, "the host is longer than 254 characters");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c >= 0x80)
            return aggr_url_refuse(parse, "the host is not ASCII: write it in Punycode (xn--...)");
        if (c == '.' && (i == 0 || text.at[i - 1] == '.'))
            return aggr_url_refuse(parse, "the host has an empty label");
        unsigned char letter = c | 0x20;
        bool alnum = (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && c != '.' && c != '-' && c != '_')
            return aggr_url_refuse(parse, "a character in the host that cannot be there");
    }
    return AGGR_OK;
}

static enum aggr_err take_host(struct aggr_url_parse *parse, struct aggr_span text)
{
    enum aggr_err err = check_host(parse, text);
    if (err)
        return err;
    char *host = parse->url->host = aggr_url_room(parse, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        host[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    host[text.len] = '\0';
    return AGGR_OK;
}

/* `text` is "" or ":" and digits; empty means the scheme's own. */
static enum aggr_err take_port(struct aggr_url_parse *parse, struct aggr_span text)
{
    int port = 0;
    for (size_t i = 1; i < text.len; i++) {
        if (!isdigit((unsigned char)text.at[i]))
            return aggr_url_refuse(parse, "the port is not a number");
        port = port * 10 + (text.at[i] - '0');
        if (port > 65535)
            return aggr_url_refuse(parse, "the port is above 65535");
    }
    if (text.len > 1 && port == 0)
        return aggr_url_refuse(parse, "the port is 0");
    parse->url->port = port ? port : parse->url->https ? 443 : 80;
    return AGGR_OK;
}

enum aggr_err aggr_url_take_authority(struct aggr_url_parse *parse, struct aggr_span text)
{
    if (aggr_span_until(text, "\\") < text.len)
        return aggr_url_refuse(parse, "a backslash in the host");
    size_t at = aggr_span_until(text, "@");
    if (at < text.len) {
        enum aggr_err err = take_userinfo(parse, aggr_span_cut(&text, at));
        if (err)
            return err;
        aggr_span_cut(&text, 1);
        if (aggr_span_until(text, "@") < text.len)
            return aggr_url_refuse(parse, "a second @ before the host: write %40 in a password");
    }
    enum aggr_err err;
    if (text.len && text.at[0] == '[') {
        size_t close = aggr_span_until(text, "]");
        if (close == text.len)
            return aggr_url_refuse(parse, "no ] after the IPv6 address");
        aggr_span_cut(&text, 1);
        err = take_ipv6(parse, aggr_span_cut(&text, close - 1));
        aggr_span_cut(&text, 1);
        if (!err && text.len && text.at[0] != ':')
            return aggr_url_refuse(parse, "junk after the IPv6 address");
    } else {
        err = take_host(parse, aggr_span_cut(&text, aggr_span_until(text, ":")));
        if (!err && text.len &&
            aggr_span_until((struct aggr_span){text.at + 1, text.len - 1}, ":") < text.len - 1)
            return aggr_url_refuse(parse,
                                   "two colons in the host: an IPv6 address stands in [brackets]");
    }
    return err ? err : take_port(parse, text);
}
