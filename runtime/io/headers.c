#include "io/headers.h"
#include "io/field.h"
#include <string.h>
#include <strings.h>

bool aggr_headers_next(const char *block, size_t len, size_t *at, struct aggr_header *header)
{
    if (*at >= len)
        return false;
    const char *line = block + *at;
    const char *end = memchr(line, '\n', len - *at);
    const char *colon = memchr(line, ':', (size_t)(end - line));
    header->name = line;
    header->name_len = (size_t)(colon - line);
    header->value = colon + 1;
    while (*header->value == ' ')
        header->value++;
    header->value_len = (size_t)(end - header->value);
    *at = (size_t)(end + 1 - block);
    return true;
}

static const char *complain(const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon ? (size_t)(colon - line) : 0;
    if (!colon || !aggr_field_token(line, name_len))
        return "is not a valid header name";
    struct aggr_header header = {.name = line, .name_len = name_len};
    if (aggr_header_is(&header, "content-length") || aggr_header_is(&header, "transfer-encoding"))
        return "is set from the body, it cannot be given";
    for (size_t i = name_len + 1; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return "has a control character in its value";
    }
    return NULL;
}

bool aggr_headers_check(const char *block, size_t len, struct aggr_failure *why)
{
    for (size_t at = 0; at < len;) {
        const char *line = block + at;
        const char *end = memchr(line, '\n', len - at);
        size_t line_len = end ? (size_t)(end - line) : len - at;
        const char *complaint = complain(line, line_len);
        if (!complaint && !end)
            complaint = "is not ended by a line break";
        if (complaint) {
            const char *colon = memchr(line, ':', line_len);
            size_t name_len = colon ? (size_t)(colon - line) : line_len;
            aggr_failure_set(why, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE, "header '%.*s' %s",
                             (int)(name_len < 60 ? name_len : 60), line, complaint);
            return false;
        }
        at += line_len + 1;
    }
    return true;
}

bool aggr_header_is(const struct aggr_header *header, const char *name)
{
    return strncasecmp(header->name, name, header->name_len) == 0 && name[header->name_len] == '\0';
}

bool aggr_headers_have(const char *block, size_t len, const char *name)
{
    struct aggr_header header;
    for (size_t at = 0; aggr_headers_next(block, len, &at, &header);) {
        if (aggr_header_is(&header, name))
            return true;
    }
    return false;
}

static enum aggr_err append_line(struct aggr_buf *out, const struct aggr_header *header)
{
    size_t len = (size_t)(header->value + header->value_len + 1 - header->name);
    return aggr_buf_append(out, header->name, len);
}

enum aggr_err aggr_headers_copy_safe(struct aggr_buf *out, const char *block, size_t len)
{
    static const char *const safe[] = {"accept",           "accept-language", "accept-encoding",
                                       "content-language", "content-type",    "user-agent"};
    struct aggr_header header;
    for (size_t at = 0; aggr_headers_next(block, len, &at, &header);) {
        for (size_t i = 0; i < sizeof safe / sizeof *safe; i++) {
            if (aggr_header_is(&header, safe[i]) && append_line(out, &header))
                return AGGR_ERR_MEMORY;
        }
    }
    return AGGR_OK;
}

enum aggr_err aggr_headers_copy_bodiless(struct aggr_buf *out, const char *block, size_t len)
{
    struct aggr_header header;
    for (size_t at = 0; aggr_headers_next(block, len, &at, &header);) {
        bool of_body = header.name_len > 8 && strncasecmp(header.name, "content-", 8) == 0;
        if (!of_body && append_line(out, &header))
            return AGGR_ERR_MEMORY;
    }
    return AGGR_OK;
}

enum aggr_err aggr_headers_append_basic(struct aggr_buf *out, const char *userinfo)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char name[] = "Authorization: Basic ";
    size_t len = strlen(userinfo);
    if (aggr_buf_reserve(out, sizeof name + (len + 2) / 3 * 4 + 1))
        return AGGR_ERR_MEMORY;
    aggr_buf_append(out, name, sizeof name - 1);
    for (size_t i = 0; i < len; i += 3) {
        unsigned bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < len ? (unsigned char)userinfo[i + k] : 0u);
        char quad[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                        digits[bits & 63]};
        if (i + 2 >= len)
            quad[3] = '=';
        if (i + 1 >= len)
            quad[2] = '=';
        aggr_buf_append(out, quad, 4);
    }
    return aggr_buf_append(out, "\n", 1);
}
