/* headers.h -- the block of request header lines, "Name: value\n" each. Plain data.
 */
#pragma once
#include "base/buf.h"
#include <stdbool.h>

/* One line of a block; borrowed from it. */
struct aggr_header {
    const char *name, *value;
    size_t name_len, value_len;
};

/* The line at `*at`, which moves on to the next; false at the end. The block has passed
 * aggr_headers_check. */
bool aggr_headers_next(const char *block, size_t len, size_t *at, struct aggr_header *header);

/* Names are tokens (RFC 9110 §5.6.2), values hold no control characters but tab, and no line sets
 * what the transport sets: Content-Length, Transfer-Encoding. False: see `why` (kind usage). */
bool aggr_headers_check(const char *block, size_t len, struct aggr_failure *why);

/* `name` in any case. */
bool aggr_header_is(const struct aggr_header *header, const char *name);
bool aggr_headers_have(const char *block, size_t len, const char *name);

/* Append the lines of `block` that may go along to another origin: those that say what the client
 * understands, not who it is (facts 8). */
enum aggr_err aggr_headers_copy_safe(struct aggr_buf *out, const char *block, size_t len);

/* Append the lines but Content-*: the body is gone. */
enum aggr_err aggr_headers_copy_bodiless(struct aggr_buf *out, const char *block, size_t len);

/* Append "Authorization: Basic ..." for "user:password" (RFC 7617). */
enum aggr_err aggr_headers_append_basic(struct aggr_buf *out, const char *userinfo);
