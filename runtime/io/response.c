#include "io/response.h"
#include "io/decoder.h"
#include "io/field.h"
#include "io/head.h"
#include <inttypes.h>
#include <string.h>

/* How much of a body is believed in before it has come. */
enum { RESERVE_BYTES = 1024 * 1024 };

void aggr_response_init(struct aggr_response *r, bool head_request, uint64_t max_body_bytes)
{
    *r = (struct aggr_response){.head_request = head_request, .max_body_bytes = max_body_bytes};
}

void aggr_response_deinit(struct aggr_response *r)
{
    aggr_buf_deinit(&r->head);
    aggr_buf_deinit(&r->body);
    aggr_chunked_deinit(&r->chunked);
    aggr_decoder_free(r->decoder);
    r->decoder = NULL;
}

static bool fail(struct aggr_response *r, enum aggr_err code, const char *cause)
{
    aggr_failure_set(&r->failure, code, AGGR_PHASE_BODY, "%s", cause);
    return false;
}

/* RFC 9112 §6.3. */
static enum aggr_framing framing_of(const struct aggr_response *r, const struct aggr_head *head)
{
    if (r->head_request || r->status == 204 || r->status == 304)
        return AGGR_FRAMING_NONE;
    if (head->is_chunked)
        return AGGR_FRAMING_CHUNKED;
    if (head->has_length)
        return AGGR_FRAMING_LENGTH;
    return r->http == AGGR_HTTP_2 ? AGGR_FRAMING_STREAM : AGGR_FRAMING_CLOSE;
}

/* Adds what one Content-Encoding value names; "identity" counts for nothing. */
static bool add_codings(struct aggr_response *r, const char *value, size_t len,
                        const struct aggr_coding **codings, size_t *count)
{
    char quoted[AGGR_FIELD_QUOTE];
    const char *end = value + len, *name;
    size_t name_len;
    while (aggr_field_element(&value, end, &name, &name_len)) {
        if (aggr_field_is(name, name_len, "identity"))
            continue;
        const struct aggr_coding *coding = aggr_decoder_coding(name, name_len);
        if (!coding)
            return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "unknown content coding \"%s\"",
                                  aggr_field_quote(quoted, name, name_len));
        if (*count == AGGR_DECODER_CODINGS_MAX)
            return aggr_head_fail(r, AGGR_ERR_PROTOCOL, "more than %d content codings",
                                  AGGR_DECODER_CODINGS_MAX);
        codings[(*count)++] = coding;
    }
    return true;
}

static bool make_decoder(struct aggr_response *r)
{
    const struct aggr_coding *codings[AGGR_DECODER_CODINGS_MAX];
    size_t count = 0, cursor = 0, len;
    const char *value;
    while ((value = aggr_response_field(r, "content-encoding", &cursor, &len)))
        if (!add_codings(r, value, len, codings, &count))
            return false;
    if (count == 0)
        return true;
    r->decoder = aggr_decoder_new(codings, count, r->max_body_bytes);
    return r->decoder || aggr_head_fail(r, AGGR_ERR_MEMORY, "no memory to decode the body");
}

/* The body's size is known: refuse it now, or make room for what of it is plausible. */
static bool expect_length(struct aggr_response *r, uint64_t length)
{
    r->length_left = length;
    if (r->decoder)
        return true;
    if (length > r->max_body_bytes)
        return aggr_head_fail(r, AGGR_ERR_TOO_LARGE,
                              "the body of %" PRIu64 " bytes is larger than %" PRIu64 " bytes",
                              length, r->max_body_bytes);
    size_t reserve = length < RESERVE_BYTES ? (size_t)length : RESERVE_BYTES;
    return aggr_buf_reserve(&r->body, reserve) == AGGR_OK ||
           aggr_head_fail(r, AGGR_ERR_MEMORY, "no memory for the body");
}

bool aggr_response_head(struct aggr_response *r, const char *bytes, size_t len)
{
    struct aggr_head head = {0};
    if (r->failure.code)
        return false;
    AGGR_CHECK(r->framing == AGGR_FRAMING_UNSET);
    if (!aggr_head_parse(r, bytes, len, &head))
        return false;
    r->framing = framing_of(r, &head);
    if (r->framing == AGGR_FRAMING_NONE)
        return true;
    if (head.is_coded && !make_decoder(r))
        return false;
    return r->framing != AGGR_FRAMING_LENGTH || expect_length(r, head.length);
}

/* Body bytes with the framing off. */
static bool on_content(struct aggr_response *r, const char *bytes, size_t len)
{
    r->content_bytes += len;
    if (r->decoder)
        return aggr_decoder_data(r->decoder, bytes, len, &r->body, &r->failure);
    return aggr_decoder_append(&r->body, r->max_body_bytes, bytes, len, &r->failure);
}

static bool on_counted(struct aggr_response *r, const char *bytes, size_t len)
{
    if (len > r->length_left)
        return fail(r, AGGR_ERR_PROTOCOL, "the body is longer than its Content-Length");
    r->length_left -= len;
    return on_content(r, bytes, len);
}

static bool on_chunked(struct aggr_response *r, const char *bytes, size_t len)
{
    const char *data;
    size_t data_len;
    while (len > 0) {
        if (!aggr_chunked_next(&r->chunked, &bytes, &len, &data, &data_len, &r->failure))
            return false;
        if (data_len > 0 && !on_content(r, data, data_len))
            return false;
    }
    return true;
}

bool aggr_response_data(struct aggr_response *r, const char *bytes, size_t len)
{
    if (r->failure.code)
        return false;
    if (len == 0)
        return true;
    switch (r->framing) {
    case AGGR_FRAMING_LENGTH:
        return on_counted(r, bytes, len);
    case AGGR_FRAMING_CHUNKED:
        return on_chunked(r, bytes, len);
    case AGGR_FRAMING_STREAM:
    case AGGR_FRAMING_CLOSE:
        return on_content(r, bytes, len);
    case AGGR_FRAMING_NONE:
        return fail(r, AGGR_ERR_PROTOCOL, "body bytes in a response that has no body");
    default:
        return fail(r, AGGR_ERR_PROTOCOL, "body bytes before the response head");
    }
}

static bool finish_framing(struct aggr_response *r)
{
    if (r->framing == AGGR_FRAMING_UNSET)
        return aggr_head_fail(r, AGGR_ERR_TRUNCATED,
                              "the connection ended before a complete response head");
    if (r->framing == AGGR_FRAMING_LENGTH && r->length_left > 0) {
        aggr_failure_set(&r->failure, AGGR_ERR_TRUNCATED, AGGR_PHASE_BODY,
                         "the body ends %" PRIu64 " bytes before its Content-Length",
                         r->length_left);
        return false;
    }
    if (r->framing == AGGR_FRAMING_CHUNKED && !aggr_chunked_done(&r->chunked))
        return fail(r, AGGR_ERR_TRUNCATED, "the body ends before its last chunk");
    return true;
}

bool aggr_response_finish(struct aggr_response *r)
{
    if (r->failure.code || !finish_framing(r))
        return false;
    /* An explicitly empty body may go uncoded, as servers have it; one that ends with the
     * connection may as well have been cut. */
    if (!r->decoder || (r->content_bytes == 0 && r->framing != AGGR_FRAMING_CLOSE))
        return true;
    return aggr_decoder_finish(r->decoder, &r->failure);
}

const char *aggr_response_field(const struct aggr_response *r, const char *name, size_t *cursor,
                                size_t *len)
{
    size_t name_len = strlen(name);
    while (*cursor < r->head.len) {
        const char *line = r->head.data + *cursor;
        size_t line_len = (size_t)((char *)memchr(line, '\n', r->head.len - *cursor) - line);
        *cursor += line_len + 1;
        if (line_len >= name_len + 2 && line[name_len] == ':' &&
            memcmp(line, name, name_len) == 0) {
            *len = line_len - name_len - 2;
            return line + name_len + 2;
        }
    }
    return NULL;
}
