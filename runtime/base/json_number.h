/* json_number.h -- the numbers of JSON texts (RFC 8259, section 6) as the nearest doubles.
 *
 * Pure. As in json_text.h, a NUL ends the text and is no part of it.
 */
#pragma once
#include <stddef.h>

/* 2^53: all integers up to it are doubles, and a text between them rounds to no other. */
#define AGGR_JSON_EXACT_INTEGERS 9007199254740992.0

enum aggr_json_number {
    AGGR_JSON_NUMBER_DONE,      /* *at is behind it */
    AGGR_JSON_NUMBER_MALFORMED, /* no number, or one that goes on with what no number holds */
    AGGR_JSON_NUMBER_RANGE,     /* larger than any double */
    AGGR_JSON_NUMBER_LONG,      /* over AGGR_JSON_NUMBER_BYTES */
};

enum { AGGR_JSON_NUMBER_BYTES = 64 * 1024 };

/* Reads the number at *at in a text that ends at `end`. *at does not move unless it is DONE; *value
 * is set then, and infinite after RANGE. Too small a number is 0; the sign of -0 stays. */
enum aggr_json_number aggr_json_read_number(const char **at, const char *end, double *value);

/* Bytes of the number at `at`, which was read, when it is written as an integer without an exponent
 * and beyond 2^53 on either side; else 0. */
size_t aggr_json_big_integer(const char *at);
