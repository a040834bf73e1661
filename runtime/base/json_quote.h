/* json_quote.h -- strings as JSON texts write them (RFC 8259, section 7): quotes, backslashes and
 * control characters escaped, all else as it is.
 *
 * Pure functions over the caller's bytes, which end with a NUL that is no part of them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* What `len` bytes may become; and what the last of them may go on with. */
#define AGGR_JSON_QUOTE_ROOM(len) (6 * (len) + 32)

/* Writes what is between the quotes from *at up to `stop`, or to the end of the character there. A
 * byte that is not UTF-8 becomes U+FFFD with `replace`; false without it: *at is at the byte. */
bool aggr_json_quote(const char **at, const char *stop, bool replace, char **out);
