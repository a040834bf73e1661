/* json_text.h -- the strings of JSON texts (RFC 8259): where they end, what they stand for, and
 * where in a text a byte is.
 *
 * Pure functions over the caller's bytes, which end with a NUL that is no part of them: looking at
 * the byte behind the last one is allowed. Work can stop anywhere and go on later.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a look at a string stopped, and why. */
enum aggr_json_scan {
    AGGR_JSON_SCAN_DONE,      /* at the closing quote */
    AGGR_JSON_SCAN_MORE,      /* at `stop`, or a few bytes behind it: call again from there */
    AGGR_JSON_SCAN_ESCAPED,   /* at the first backslash: the string is not its own text */
    AGGR_JSON_SCAN_UNENDED,   /* at the end of the text */
    AGGR_JSON_SCAN_CONTROL,   /* at a raw control character */
    AGGR_JSON_SCAN_UTF8,      /* at a byte that is not UTF-8 */
    AGGR_JSON_SCAN_ESCAPE,    /* at a backslash: no such escape */
    AGGR_JSON_SCAN_SURROGATE, /* at the backslash of half a surrogate pair */
};

/* Length of the well-formed UTF-8 sequence at `text` (Unicode 15, table 3-7), which does not begin
 * with ASCII; 0: none. Stops at the NUL behind the text, as that continues nothing. */
size_t aggr_json_sequence(const char *text);

/* Goes on inside a string from *at, at most to `stop`. */
enum aggr_json_scan aggr_json_scan_string(const char **at, const char *stop, const char *end);

/* The same, passing escapes, too: never ESCAPED. */
enum aggr_json_scan aggr_json_pass_string(const char **at, const char *stop, const char *end);

/* What aggr_json_unescape may write beyond the bytes up to `stop`. */
enum { AGGR_JSON_UNESCAPE_EXTRA = 4 };

/* The same, writing what the string stands for to *out, escapes too. There must be room for as many
 * bytes as there are up to `stop`, and for the extra ones. */
enum aggr_json_scan aggr_json_unescape(const char **at, const char *stop, const char *end,
                                       char **out);

/* Line and column (in characters) of a byte, both from 1. */
void aggr_json_place(const char *text, const char *at, size_t *line, size_t *column);
