/* field.h -- the syntax of header and trailer field lines (RFC 9110 §5, RFC 9112 §5). Functions
 * without state; reentrant.
 *
 * Borrows the line it is given; what it returns points into that line or at static text.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aggr_field {
    const char *name, *value; /* borrowed from the line; the value without surrounding blanks */
    size_t name_len, value_len;
};

/* The length of the line at the start of `bytes`, without its CR LF. False when it does not end in
 * CR LF (a bare CR further in is for the other checks to find). */
bool aggr_field_line(const char *bytes, size_t len, size_t *line_len);

/* Takes one line apart, given without its CR LF. NULL when it is sound, else what is wrong with it
 * (static, fits after "malformed header field: "). */
const char *aggr_field_parse(const char *line, size_t len, struct aggr_field *field);

/* Only visible characters, blanks and bytes past ASCII (RFC 9110 §5.5, also a reason phrase). */
bool aggr_field_text(const char *bytes, size_t len);

/* A non-empty token (RFC 9110 §5.6.2). */
bool aggr_field_token(const char *bytes, size_t len);

/* Whether `bytes` is `word` (given in lower case), letter case aside. */
bool aggr_field_is(const char *bytes, size_t len, const char *word);

/* `name` in lower case into `out` (same length). */
void aggr_field_lower(char *out, const char *name, size_t len);

/* A Content-Length: digits alone, at most INT64_MAX. */
bool aggr_field_length(const char *bytes, size_t len, uint64_t *length);

/* The next element of the comma-separated list *bytes..end, blanks around it removed; moves *bytes
 * past it. False at the end. Empty elements are skipped (RFC 9110 §5.6.1). */
bool aggr_field_element(const char **bytes, const char *end, const char **element, size_t *len);

enum { AGGR_FIELD_QUOTE = 48 };

/* At most AGGR_FIELD_QUOTE - 1 characters of `bytes` for a message, what cannot be printed as '?'.
 * Returns `out`. */
const char *aggr_field_quote(char out[AGGR_FIELD_QUOTE], const char *bytes, size_t len);
