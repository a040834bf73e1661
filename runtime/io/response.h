/* response.h -- one response as raw pieces arrive: strict head rules, framing, content decoding,
 * caps.
 *
 * The same code for every transport (facts 7, 10). Owns its buffers; borrows nothing between calls.
 * Plain data without callbacks: reentrant.
 *
 *   init -> head -> data* -> finish -> deinit
 *
 * The first failure stays; every later call but deinit then does nothing and returns false.
 */
#pragma once
#include "base/buf.h"
#include "io/chunked.h"
#include <stdbool.h>
#include <stdint.h>

enum { AGGR_RESPONSE_HEAD_MAX = 256 * 1024, AGGR_RESPONSE_FIELDS_MAX = 1000 };

enum aggr_http { AGGR_HTTP_1_0, AGGR_HTTP_1_1, AGGR_HTTP_2 };

enum aggr_framing {
    AGGR_FRAMING_UNSET,   /* no head yet */
    AGGR_FRAMING_NONE,    /* HEAD, 204, 304: no body whatever the head says */
    AGGR_FRAMING_LENGTH,  /* Content-Length, also of an HTTP/2 stream */
    AGGR_FRAMING_CHUNKED, /* HTTP/1.1 */
    AGGR_FRAMING_STREAM,  /* HTTP/2: to the end of the stream */
    AGGR_FRAMING_CLOSE,   /* HTTP/1: to the end of the connection */
};

struct aggr_decoder; /* io/decoder.h: a chain of at most two content codings */

struct aggr_response {
    int status;
    enum aggr_http http;
    struct aggr_buf
        head; /* accepted field lines "name: value\n", names lower-cased, values trimmed */
    struct aggr_buf body; /* decoded bytes */
    uint64_t max_body_bytes;
    struct aggr_failure failure; /* first one; code AGGR_OK while all is well */
    /* private from here */
    bool head_request;
    enum aggr_framing framing;
    uint64_t length_left;   /* with AGGR_FRAMING_LENGTH */
    uint64_t content_bytes; /* received, framing off, still coded */
    struct aggr_chunked chunked;
    struct aggr_decoder *decoder; /* owned; NULL without a content coding */
};

/* `head_request`: the request was HEAD. */
void aggr_response_init(struct aggr_response *response, bool head_request, uint64_t max_body_bytes);

/* Idempotent. `body` and `head` may have been taken out before. */
void aggr_response_deinit(struct aggr_response *response);

/* The whole head of a final response, status line first, lines ending CR LF, through the empty
 * line, exactly as received (RFC 9112 §2-6, RFC 9110 §5; HTTP/2: "HTTP/2 200" and fields). False:
 * kind protocol (malformed, ambiguous, too big, an unknown coding), too_large (its Content-Length
 * is) or memory. */
bool aggr_response_head(struct aggr_response *response, const char *bytes, size_t len);

/* Raw body bytes, transfer framing still on them in HTTP/1 (chunked or by length or until close).
 * False: kind protocol (framing, corrupt coding, bytes past the end), too_large or memory. */
bool aggr_response_data(struct aggr_response *response, const char *bytes, size_t len);

/* The peer has ended the stream. False when that cuts the head or the body short, in framing or
 * compression: kind truncated. */
bool aggr_response_finish(struct aggr_response *response);

/* Next value of field `name` (lower case) after `*cursor` (0 at first), in the order received; NULL
 * when there is no more. Borrowed until deinit; `*len` bytes, no NUL after them. */
const char *aggr_response_field(const struct aggr_response *response, const char *name,
                                size_t *cursor, size_t *len);
