#include "io/chunked.h"
#include "io/field.h"
#include <string.h>

enum state {
    SIZE,
    BLANK,
    EXTENSION,
    QUOTED,
    ESCAPED,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    DONE
};

enum { SIZE_DIGITS_MAX = 16 };

static bool fail(struct aggr_failure *why, const char *cause)
{
    aggr_failure_set(why, AGGR_ERR_PROTOCOL, AGGR_PHASE_BODY, "malformed chunked body: %s", cause);
    return false;
}

void aggr_chunked_deinit(struct aggr_chunked *chunked)
{
    aggr_buf_deinit(&chunked->line);
}

bool aggr_chunked_done(const struct aggr_chunked *chunked)
{
    return chunked->state == DONE;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One byte of "1*HEXDIG [chunk-ext] CRLF" up to the CR. */
static bool on_size(struct aggr_chunked *c, char byte, struct aggr_failure *why)
{
    int digit = hex_digit(byte);
    if (digit >= 0) {
        if (++c->digits > SIZE_DIGITS_MAX || c->left > (uint64_t)INT64_MAX >> 4)
            return fail(why, "a chunk size too large to be true");
        c->left = c->left << 4 | (unsigned)digit;
        return true;
    }
    if (c->digits == 0)
        return fail(why, "a chunk without a size");
    if (byte == '\r')
        c->state = SIZE_LF;
    else if (byte == ';')
        c->state = EXTENSION;
    else if (byte == ' ' || byte == '\t')
        c->state = BLANK;
    else
        return fail(why, byte == '\n' ? "a size line that ends in a bare line feed"
                                      : "a chunk size that is not a hexadecimal number");
    return true;
}

/* One byte of an extension. Its name and value are nobody's business, but where it ends has to be
 * beyond doubt. */
static bool on_extension(struct aggr_chunked *c, char byte, struct aggr_failure *why)
{
    if (c->state == ESCAPED)
        c->state = QUOTED;
    else if (c->state == QUOTED)
        c->state = byte == '"' ? EXTENSION : byte == '\\' ? ESCAPED : QUOTED;
    else if (byte == '"')
        c->state = QUOTED;
    else if (byte == '\r')
        c->state = SIZE_LF;
    else if (aggr_field_text(&byte, 1) && !aggr_field_token(&byte, 1) && !strchr(" \t;=", byte))
        return fail(why, "a character that cannot be in a chunk extension");
    return c->state == SIZE_LF || aggr_field_text(&byte, 1) ||
           fail(why, "a control character in a chunk extension");
}

/* One byte between the size and the CR. */
static bool on_size_rest(struct aggr_chunked *c, char byte, struct aggr_failure *why)
{
    if (++c->extension_bytes > AGGR_CHUNKED_EXTENSION_MAX)
        return fail(why, "more than 16 KiB of chunk extensions");
    if (c->state != BLANK)
        return on_extension(c, byte, why);
    if (byte == ';')
        c->state = EXTENSION;
    return byte == ';' || byte == ' ' || byte == '\t' || fail(why, "a blank after the chunk size");
}

static bool on_size_end(struct aggr_chunked *c, char byte, struct aggr_failure *why)
{
    if (byte != '\n')
        return fail(why, "a carriage return without a line feed after the chunk size");
    c->state = c->left > 0 ? DATA : TRAILER;
    c->digits = 0;
    return true;
}

static bool on_data_end(struct aggr_chunked *c, char byte, struct aggr_failure *why)
{
    if (byte != (c->state == DATA_CR ? '\r' : '\n'))
        return fail(why, "a chunk longer than its size");
    c->state = c->state == DATA_CR ? DATA_LF : SIZE;
    return true;
}

/* A whole trailer line, CR LF included, is in c->line. */
static bool on_trailer_line(struct aggr_chunked *c, struct aggr_failure *why)
{
    static const char *const framing[] = {"transfer-encoding", "content-length", "trailer"};
    struct aggr_field field;
    size_t len;
    if (!aggr_field_line(c->line.data, c->line.len, &len))
        return fail(why, "a trailer line that ends in a bare line feed");
    if (len == 0) {
        c->state = DONE;
        return true;
    }
    const char *fault = aggr_field_parse(c->line.data, len, &field);
    if (fault) {
        aggr_failure_set(why, AGGR_ERR_PROTOCOL, AGGR_PHASE_BODY, "malformed trailer field: %s",
                         fault);
        return false;
    }
    for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
        if (aggr_field_is(field.name, field.name_len, framing[i]))
            return fail(why, "a trailer field that only a head may have");
    if (++c->trailer_fields > AGGR_CHUNKED_TRAILER_FIELDS_MAX)
        return fail(why, "more than 100 trailer fields");
    aggr_buf_clear(&c->line);
    return true;
}

/* Takes bytes up to the end of the line, or all there are. */
static bool on_trailer(struct aggr_chunked *c, const char **bytes, size_t *len,
                       struct aggr_failure *why)
{
    const char *end = memchr(*bytes, '\n', *len);
    size_t n = end ? (size_t)(end - *bytes) + 1 : *len;
    if (n > AGGR_CHUNKED_TRAILER_MAX - c->trailer_bytes)
        return fail(why, "more than 64 KiB of trailer fields");
    if (aggr_buf_append(&c->line, *bytes, n) != AGGR_OK) {
        aggr_failure_set(why, AGGR_ERR_MEMORY, AGGR_PHASE_BODY, "no memory for the trailer fields");
        return false;
    }
    c->trailer_bytes += (unsigned)n;
    *bytes += n;
    *len -= n;
    return end ? on_trailer_line(c, why) : true;
}

static bool on_byte(struct aggr_chunked *c, char byte, struct aggr_failure *why)
{
    switch (c->state) {
    case SIZE:
        return on_size(c, byte, why);
    case BLANK:
    case EXTENSION:
    case QUOTED:
    case ESCAPED:
        return on_size_rest(c, byte, why);
    case SIZE_LF:
        return on_size_end(c, byte, why);
    case DATA_CR:
    case DATA_LF:
        return on_data_end(c, byte, why);
    default:
        return fail(why, "bytes after its end");
    }
}

bool aggr_chunked_next(struct aggr_chunked *c, const char **bytes, size_t *len, const char **data,
                       size_t *data_len, struct aggr_failure *why)
{
    *data_len = 0;
    while (*len > 0) {
        if (c->state == DATA) {
            size_t n = c->left < *len ? (size_t)c->left : *len;
            *data = *bytes;
            *data_len = n;
            *bytes += n;
            *len -= n;
            c->left -= n;
            if (c->left == 0)
                c->state = DATA_CR;
            return true;
        }
        if (c->state == TRAILER) {
            if (!on_trailer(c, bytes, len, why))
                return false;
        } else {
            if (!on_byte(c, **bytes, why))
                return false;
            ++*bytes, --*len;
        }
    }
    return true;
}
