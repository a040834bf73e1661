#include "io/head.h"
#include "io/field.h"
#include <stdarg.h>
#include <string.h>

bool aggr_head_fail(struct aggr_response *response, enum aggr_err code, const char *format, ...)
{
    char text[AGGR_FAILURE_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    aggr_failure_set(&response->failure, code, AGGR_PHASE_WAIT, "%s", text);
    return false;
}

static bool malformed(struct aggr_response *r, const char *what, const char *line, size_t len)
{
    char quoted[AGGR_FIELD_QUOTE];
    return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "malformed %s: \"%s\"", what,
                          aggr_field_quote(quoted, line, len));
}

/* Sets the version; returns the length of "HTTP/1.1 " and its like, 0 when it is none. */
static size_t parse_version(struct aggr_response *r, const char *line, size_t len)
{
    if (len >= 9 && memcmp(line, "HTTP/1.", 7) == 0 && (line[7] == '0' || line[7] == '1') &&
        line[8] == ' ') {
        r->http = line[7] == '1' ? AGGR_HTTP_1_1 : AGGR_HTTP_1_0;
        return 9;
    }
    if (len >= 7 && memcmp(line, "HTTP/2 ", 7) == 0) {
        r->http = AGGR_HTTP_2;
        return 7;
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9112 §4. The blank before an empty reason may be missing, as browsers and curl allow. */
static bool parse_status_line(struct aggr_response *r, const char *line, size_t len)
{
    size_t at = parse_version(r, line, len);
    if (at == 0 || len < at + 3 || !is_digit(line[at]) || !is_digit(line[at + 1]) ||
        !is_digit(line[at + 2]) || (len > at + 3 && line[at + 3] != ' ') ||
        !aggr_field_text(line + at, len - at))
        return malformed(r, "status line", line, len);
    r->status = (line[at] - '0') * 100 + (line[at + 1] - '0') * 10 + (line[at + 2] - '0');
    if (r->status < 100)
        return malformed(r, "status line", line, len);
    return true;
}

static bool on_length(struct aggr_response *r, const struct aggr_field *field,
                      struct aggr_head *head)
{
    if (head->has_length)
        return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "more than one Content-Length");
    if (!aggr_field_length(field->value, field->value_len, &head->length))
        return malformed(r, "Content-Length", field->value, field->value_len);
    head->has_length = true;
    return true;
}

static bool on_transfer_encoding(struct aggr_response *r, const struct aggr_field *field,
                                 struct aggr_head *head)
{
    char quoted[AGGR_FIELD_QUOTE];
    if (head->is_chunked)
        return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "more than one Transfer-Encoding");
    if (r->http != AGGR_HTTP_1_1)
        return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "Transfer-Encoding in HTTP/%s",
                              r->http == AGGR_HTTP_2 ? "2" : "1.0");
    if (!aggr_field_is(field->value, field->value_len, "chunked"))
        return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "Transfer-Encoding is \"%s\", not chunked",
                              aggr_field_quote(quoted, field->value, field->value_len));
    head->is_chunked = true;
    return true;
}

/* What HTTP/2 forbids beyond HTTP/1 (RFC 9113 §8.2). */
static bool check_http2(struct aggr_response *r, const struct aggr_field *field)
{
    static const char *const connection_specific[] = {"connection", "keep-alive",
                                                      "proxy-connection", "upgrade"};
    for (size_t i = 0; i < field->name_len; i++)
        if (field->name[i] >= 'A' && field->name[i] <= 'Z')
            return malformed(r, "HTTP/2 field name", field->name, field->name_len);
    for (size_t i = 0; i < sizeof connection_specific / sizeof *connection_specific; i++)
        if (aggr_field_is(field->name, field->name_len, connection_specific[i]))
            return malformed(r, "HTTP/2 head, it has a field of HTTP/1", field->name,
                             field->name_len);
    return true;
}

/* The few fields that say something of the message itself. */
static bool on_field(struct aggr_response *r, const struct aggr_field *field,
                     struct aggr_head *head)
{
    if (r->http == AGGR_HTTP_2 && !check_http2(r, field))
        return false;
    switch (field->name_len) {
    case 14:
        if (aggr_field_is(field->name, 14, "content-length"))
            return on_length(r, field, head);
        break;
    case 16:
        if (aggr_field_is(field->name, 16, "content-encoding"))
            head->is_coded = true;
        break;
    case 17:
        if (aggr_field_is(field->name, 17, "transfer-encoding"))
            return on_transfer_encoding(r, field, head);
        break;
    }
    return true;
}

/* Room is reserved: what is kept of a line is never longer than the line. */
static void keep_field(struct aggr_buf *kept, const struct aggr_field *field)
{
    char *out = kept->data + kept->len;
    aggr_field_lower(out, field->name, field->name_len);
    out += field->name_len;
    *out++ = ':';
    *out++ = ' ';
    memcpy(out, field->value, field->value_len);
    out += field->value_len;
    *out++ = '\n';
    kept->len = (size_t)(out - kept->data);
}

/* RFC 9112 §5, from the first field line through the empty one. */
static bool parse_fields(struct aggr_response *r, const char *bytes, size_t len,
                         struct aggr_head *head)
{
    struct aggr_field field;
    size_t line_len;
    for (unsigned fields = 0;; fields++) {
        if (!aggr_field_line(bytes, len, &line_len))
            return aggr_head_fail(r, AGGR_ERR_PROTOCOL,
                                  "malformed response head: a line that does not end in CR LF");
        if (line_len == 0)
            break;
        if (fields == AGGR_RESPONSE_FIELDS_MAX)
            return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "more than %d header fields",
                                  AGGR_RESPONSE_FIELDS_MAX);
        const char *fault = aggr_field_parse(bytes, line_len, &field);
        if (fault)
            return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "malformed header field: %s", fault);
        if (!on_field(r, &field, head))
            return false;
        keep_field(&r->head, &field);
        bytes += line_len + 2;
        len -= line_len + 2;
    }
    if (len != 2)
        return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "bytes after the end of the response head");
    if (head->has_length && head->is_chunked)
        return aggr_head_fail(r, AGGR_ERR_PROTOCOL,
                              "both Content-Length and Transfer-Encoding in one head");
    return true;
}

static bool parse(struct aggr_response *r, const char *bytes, size_t len, struct aggr_head *head)
{
    size_t line_len;
    if (len > AGGR_RESPONSE_HEAD_MAX)
        return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "the response head is larger than %d KiB",
                              AGGR_RESPONSE_HEAD_MAX / 1024);
    if (!aggr_field_line(bytes, len, &line_len))
        return aggr_head_fail(r, AGGR_ERR_PROTOCOL,
                              "malformed response head: a line that does not end in CR LF");
    if (!parse_status_line(r, bytes, line_len))
        return false;
    if (aggr_buf_reserve(&r->head, len) != AGGR_OK)
        return aggr_head_fail(r, AGGR_ERR_MEMORY, "no memory for the response head");
    return parse_fields(r, bytes + line_len + 2, len - line_len - 2, head);
}

bool aggr_head_parse(struct aggr_response *r, const char *bytes, size_t len, struct aggr_head *head)
{
    if (!parse(r, bytes, len, head))
        return false;
    if (r->status < 200)
        return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "status %d where a final response was expected",
                              r->status);
    return true;
}

bool aggr_head_interim(const char *bytes, size_t len, struct aggr_failure *failure)
{
    struct aggr_response interim = {0};
    struct aggr_head head = {0};
    bool sound = parse(&interim, bytes, len, &head);
    *failure = interim.failure;
    aggr_buf_deinit(&interim.head);
    return sound;
}
