/* decoder.h -- takes the content codings off a body, one inside the other (RFC 9110 §8.4), with
 * the size of what comes out capped.
 *
 * Owns its coding streams; appends to the caller's buffer.
 *
 *   new -> data* -> finish -> free
 */
#pragma once
#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

struct aggr_coding;
struct aggr_decoder;

enum { AGGR_DECODER_CODINGS_MAX = 2 };

/* The coding `name` (of a Content-Encoding, letter case aside), NULL when unknown. */
const struct aggr_coding *aggr_decoder_coding(const char *name, size_t len);

/* `codings` in the order they were applied (that of the header), 1 or 2 of them. NULL: no memory.
 */
struct aggr_decoder *aggr_decoder_new(const struct aggr_coding *const *codings, size_t count,
                                      uint64_t max_body_bytes);
void aggr_decoder_free(struct aggr_decoder *decoder);

/* Decodes `bytes`, appending to `body`. False: see `why`, kind protocol (corrupt, bytes after the
 * end), too_large or memory. */
bool aggr_decoder_data(struct aggr_decoder *decoder, const char *bytes, size_t len,
                       struct aggr_buf *body, struct aggr_failure *why);

/* There is no more. False: a coding is not at its end, kind truncated. */
bool aggr_decoder_finish(struct aggr_decoder *decoder, struct aggr_failure *why);

/* Appends to a body that may have at most `max_bytes`. False: kind too_large or memory. */
bool aggr_decoder_append(struct aggr_buf *body, uint64_t max_bytes, const char *bytes, size_t len,
                         struct aggr_failure *why);
