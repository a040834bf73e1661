#include "io/http1_reader.h"
#include "io/field.h"
#include "io/head.h"
#include "io/response.h"
#include <stdarg.h>
#include <string.h>
#include <strings.h>

static int on_pause(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_headers_complete = on_pause,
    .on_message_complete = on_pause,
};

void aggr_http1_reader_init(struct aggr_http1_reader *reader, struct aggr_sink *sink,
                            bool head_request)
{
    *reader = (struct aggr_http1_reader){.sink = sink, .head_request = head_request};
    llhttp_init(&reader->parser, HTTP_RESPONSE, &settings);
}

void aggr_http1_reader_deinit(struct aggr_http1_reader *reader)
{
    aggr_buf_deinit(&reader->head);
    aggr_buf_deinit(&reader->blanks);
    aggr_chunked_deinit(&reader->chunked);
}

__attribute__((format(printf, 4, 5))) static enum aggr_http1_verdict
fail(struct aggr_http1_reader *reader, enum aggr_err code, enum aggr_phase phase,
     const char *format, ...)
{
    char text[AGGR_FAILURE_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    aggr_failure_set(&reader->failure, code, phase, "%s", text);
    return AGGR_HTTP1_BROKEN;
}

static enum aggr_http1_verdict unwanted(struct aggr_http1_reader *reader)
{
    return fail(reader, AGGR_ERR_CANCELLED, AGGR_PHASE_BODY, "not wanted");
}

/* The timeout of a Keep-Alive field, in s; 0 = none. */
static unsigned keep_hint(const char *head, size_t len)
{
    static const char name[] = "keep-alive:", parameter[] = "timeout=";
    const char *end = head + len, *line = head, *next;
    for (; (next = memchr(line, '\n', (size_t)(end - line))); line = next + 1) {
        if ((*line | 0x20) != 'k' || (size_t)(next - line) < sizeof name ||
            strncasecmp(line, name, sizeof name - 1) != 0)
            continue;
        for (const char *at = line; next - at > (ptrdiff_t)sizeof parameter; at++) {
            unsigned seconds = 0;
            if (strncasecmp(at, parameter, sizeof parameter - 1) != 0)
                continue;
            for (at += sizeof parameter - 1; *at >= '0' && *at <= '9' && seconds < 86400; at++)
                seconds = seconds * 10 + (unsigned)(*at - '0');
            return seconds;
        }
    }
    return 0;
}

/* What llhttp knows of the body that is to come (RFC 9112 section 6.3). */
static enum aggr_http1_verdict begin_body(struct aggr_http1_reader *reader)
{
    llhttp_t *parser = &reader->parser;
    int status = parser->status_code;
    if (reader->head_request || status == 204 || status == 304)
        parser->flags |= F_SKIPBODY;
    /* llhttp lets keep-alive win over close in HTTP/1.0. */
    reader->keep =
        llhttp_should_keep_alive(parser) && !(parser->flags & F_CONNECTION_CLOSE) && status != 101;
    if (parser->flags & F_SKIPBODY) {
        reader->state = AGGR_HTTP1_LENGTH;
    } else if (parser->flags & F_CHUNKED) {
        reader->state = AGGR_HTTP1_CHUNKED;
    } else if (parser->flags & F_CONTENT_LENGTH) {
        reader->state = AGGR_HTTP1_LENGTH;
        reader->body_left = parser->content_length;
    } else {
        reader->state = AGGR_HTTP1_CLOSE;
    }
    bool none = reader->state == AGGR_HTTP1_LENGTH && reader->body_left == 0;
    return none ? AGGR_HTTP1_DONE : AGGR_HTTP1_MORE;
}

/* Takes the next `len` bytes of a head to what is there of it. */
static bool keep_head(struct aggr_http1_reader *reader, const char *bytes, size_t len)
{
    if (reader->head.len + len > AGGR_RESPONSE_HEAD_MAX)
        fail(reader, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT, "response head over %d KiB",
             AGGR_RESPONSE_HEAD_MAX / 1024);
    else if (aggr_buf_append(&reader->head, bytes, len))
        fail(reader, AGGR_ERR_MEMORY, AGGR_PHASE_WAIT, "out of memory");
    return reader->failure.code == AGGR_OK;
}

/* It is as sound as a final one, or what follows may be something else than it seems. */
static enum aggr_http1_verdict end_interim(struct aggr_http1_reader *reader, const char *bytes,
                                           size_t len)
{
    if (!aggr_head_interim(bytes, len, &reader->failure))
        return AGGR_HTTP1_BROKEN;
    aggr_buf_clear(&reader->head);
    if (++reader->interim > AGGR_HEAD_INTERIM_MAX)
        return fail(reader, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT, "more than %d interim responses",
                    AGGR_HEAD_INTERIM_MAX);
    llhttp_reset(&reader->parser);
    return AGGR_HTTP1_MORE;
}

/* 100-199, except 101: nobody asked to switch protocols. */
static bool is_interim(const struct aggr_http1_reader *reader)
{
    int status = reader->parser.status_code;
    return status / 100 == 1 && status != 101;
}

/* A head ends after `len` of `bytes`. */
static enum aggr_http1_verdict end_head(struct aggr_http1_reader *reader, const char *bytes,
                                        size_t len)
{
    if (reader->head.len > 0 || len > AGGR_RESPONSE_HEAD_MAX) {
        if (!keep_head(reader, bytes, len))
            return AGGR_HTTP1_BROKEN;
        bytes = reader->head.data;
        len = reader->head.len;
    }
    if (is_interim(reader))
        return end_interim(reader, bytes, len);
    reader->keep_s = keep_hint(bytes, len);
    enum aggr_http1_verdict verdict = begin_body(reader);
    bool wanted = reader->sink->ops->on_head(reader->sink, bytes, len);
    aggr_buf_deinit(&reader->head);
    return wanted ? verdict : unwanted(reader);
}

/* How many of `len` bytes belong to a head that ends within them; 0 = it does not. */
static size_t head_len(const char *bytes, size_t len)
{
    const char *line = bytes, *next;
    while ((next = memchr(line, '\n', len - (size_t)(line - bytes)))) {
        if (next == line || (next == line + 1 && *line == '\r'))
            return (size_t)(next + 1 - bytes);
        line = next + 1;
    }
    return 0;
}

/* What is wrong with the first unsound one of the whole field lines in `bytes`; NULL: nothing. */
static const char *field_fault(const char *bytes, size_t len)
{
    struct aggr_field field;
    const char *fault = NULL;
    size_t line_len;
    for (bool status_line = true; !fault && aggr_field_line(bytes, len, &line_len);) {
        if (!status_line)
            fault = line_len > 0 ? aggr_field_parse(bytes, line_len, &field) : NULL;
        status_line = false;
        bytes += line_len + 2;
        len -= line_len + 2;
    }
    return fault;
}

/* llhttp refuses the head. The sink, which is stricter, says why in its own words, as long as it
 * has a whole head to judge. */
static enum aggr_http1_verdict refuse_head(struct aggr_http1_reader *reader, const char *bytes,
                                           size_t len)
{
    struct aggr_sink *sink = reader->sink;
    const char *reason = llhttp_get_error_reason(&reader->parser);
    if (!keep_head(reader, bytes, len))
        return AGGR_HTTP1_BROKEN;
    bytes = reader->head.data;
    len = head_len(bytes, reader->head.len);
    if (len > 0 && !is_interim(reader) && !sink->ops->on_head(sink, bytes, len))
        return unwanted(reader);
    const char *fault = field_fault(bytes, len > 0 ? len : reader->head.len);
    if (fault)
        return fail(reader, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT, "malformed header field: %s",
                    fault);
    return fail(reader, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT, "malformed response head: %s",
                reason && *reason ? reason : "not HTTP/1");
}

/* llhttp 8.1 stumbles over tabs at the end of a value, which are blanks as good as any (RFC 9110
 * section 5.6.3): it is given blanks in their place, from `*bytes` on, at most to the end of the
 * head. Where a tab may not be, the sink says so. */
static bool replace_tabs(struct aggr_http1_reader *reader, const char **bytes, size_t *len)
{
    struct aggr_buf *blanks = &reader->blanks;
    size_t end = head_len(*bytes, *len);
    *len = end > 0 ? end : *len;
    aggr_buf_clear(blanks);
    if (aggr_buf_append(blanks, *bytes, *len)) {
        fail(reader, AGGR_ERR_MEMORY, AGGR_PHASE_WAIT, "out of memory");
        return false;
    }
    for (char *at = blanks->data; (at = memchr(at, '\t', *len - (size_t)(at - blanks->data)));)
        *at = ' ';
    *bytes = blanks->data;
    return true;
}

/* `*bytes` and `*len` move past the head, or a part of it. */
static enum aggr_http1_verdict feed_head(struct aggr_http1_reader *reader, const char **bytes,
                                         size_t *len)
{
    llhttp_t *parser = &reader->parser;
    const char *head = *bytes, *given = head;
    size_t used = *len;
    if (reader->head.len == 0 && (*head == '\r' || *head == '\n'))
        return refuse_head(reader, head, *len); /* llhttp would skip it */
    if (memchr(head, '\t', used) && !replace_tabs(reader, &given, &used))
        return AGGR_HTTP1_BROKEN;
    enum llhttp_errno code = llhttp_execute(parser, given, used);
    if (code == HPE_PAUSED || code == HPE_PAUSED_UPGRADE) {
        used = (size_t)(llhttp_get_error_pos(parser) - given);
        llhttp_resume(parser);
    } else if (code != HPE_OK) {
        return refuse_head(reader, head, *len);
    }
    *bytes += used;
    *len -= used;
    if (code != HPE_OK)
        return end_head(reader, head, used);
    return keep_head(reader, head, used) ? AGGR_HTTP1_MORE : AGGR_HTTP1_BROKEN;
}

/* `*used` becomes what of it belongs to the body. The chunks are ours to read: llhttp refuses
 * blanks before an extension, which a client has to bear (RFC 9112 section 7.1.1). */
static enum aggr_http1_verdict feed_chunked(struct aggr_http1_reader *reader, const char *bytes,
                                            size_t *used)
{
    struct aggr_chunked *chunked = &reader->chunked;
    struct aggr_failure why = {0};
    const char *data;
    size_t left = *used, data_len;
    while (left > 0 && !aggr_chunked_done(chunked)) {
        if (aggr_chunked_next(chunked, &bytes, &left, &data, &data_len, &why) ||
            aggr_chunked_done(chunked))
            continue;
        reader->failure = why;
        return AGGR_HTTP1_BROKEN;
    }
    *used -= left;
    return aggr_chunked_done(chunked) ? AGGR_HTTP1_DONE : AGGR_HTTP1_MORE;
}

/* What the body is of `len` bytes goes to the sink, and so does what follows: it is the sink that
 * knows how to complain. */
static enum aggr_http1_verdict feed_body(struct aggr_http1_reader *reader, const char *bytes,
                                         size_t len)
{
    struct aggr_sink *sink = reader->sink;
    enum aggr_http1_verdict verdict = AGGR_HTTP1_MORE;
    size_t used = len;
    if (reader->state == AGGR_HTTP1_CHUNKED) {
        verdict = feed_chunked(reader, bytes, &used);
    } else if (reader->state == AGGR_HTTP1_LENGTH) {
        used = len < reader->body_left ? len : (size_t)reader->body_left;
        reader->body_left -= used;
        verdict = reader->body_left == 0 ? AGGR_HTTP1_DONE : AGGR_HTTP1_MORE;
    }
    if (used < len)
        reader->keep = false;
    if (sink->ops->on_data(sink, bytes, len))
        return verdict;
    reader->failure.code = AGGR_OK;
    return unwanted(reader);
}

enum aggr_http1_verdict aggr_http1_reader_feed(struct aggr_http1_reader *reader, const char *bytes,
                                               size_t len)
{
    enum aggr_http1_verdict verdict = AGGR_HTTP1_MORE;
    reader->heard = true;
    if (reader->state == AGGR_HTTP1_HEAD && reader->sink->ops->on_heard)
        reader->sink->ops->on_heard(reader->sink);
    while (len > 0 && verdict == AGGR_HTTP1_MORE && reader->state == AGGR_HTTP1_HEAD)
        verdict = feed_head(reader, &bytes, &len);
    if (len == 0 || verdict == AGGR_HTTP1_BROKEN)
        return verdict;
    return feed_body(reader, bytes, len);
}

enum aggr_http1_verdict aggr_http1_reader_end(struct aggr_http1_reader *reader,
                                              enum aggr_http1_ending ending)
{
    const char *what = ending == AGGR_HTTP1_RESET ? "connection reset" : "connection closed";
    if (reader->state == AGGR_HTTP1_CLOSE && ending == AGGR_HTTP1_ENDED)
        return AGGR_HTTP1_DONE;
    if (reader->state != AGGR_HTTP1_HEAD)
        return fail(reader, AGGR_ERR_TRUNCATED, AGGR_PHASE_BODY, "%s inside the body", what);
    if (reader->heard)
        return fail(reader, AGGR_ERR_TRUNCATED, AGGR_PHASE_WAIT, "%s inside the response head",
                    what);
    return AGGR_HTTP1_BROKEN;
}
