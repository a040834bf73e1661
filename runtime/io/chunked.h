/* chunked.h -- the chunked transfer coding, taken off strictly (RFC 9112 §7.1).
 *
 * Owns the trailer line it is in the middle of; borrows nothing between calls. Trailer fields are
 * checked and dropped.
 *
 *   {0} -> next* (until done) -> deinit
 */
#pragma once
#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    AGGR_CHUNKED_EXTENSION_MAX = 16 * 1024, /* bytes of extensions in a whole body */
    AGGR_CHUNKED_TRAILER_MAX = 64 * 1024,   /* bytes of the trailer section */
    AGGR_CHUNKED_TRAILER_FIELDS_MAX = 100,
};

struct aggr_chunked {
    int state;
    uint64_t left;   /* of the chunk, or its size as far as it is read */
    unsigned digits; /* of the size, so far */
    unsigned extension_bytes, trailer_bytes, trailer_fields;
    struct aggr_buf line; /* a trailer line, so far */
};

void aggr_chunked_deinit(struct aggr_chunked *chunked);

/* Takes bytes from *bytes (moving it and *len on) as far as the end of the next run of body bytes,
 * which it puts in *data, *data_len (into *bytes; 0 when there was none). Call it while *len > 0.
 * False: see `why`, kind protocol or memory. */
bool aggr_chunked_next(struct aggr_chunked *chunked, const char **bytes, size_t *len,
                       const char **data, size_t *data_len, struct aggr_failure *why);

/* The last chunk and the trailer section have been read. */
bool aggr_chunked_done(const struct aggr_chunked *chunked);
