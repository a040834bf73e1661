/* response.h -- one response as raw pieces arrive: strict head rules, framing, content decoding,
 * caps.
 *
 * The same code for every transport (facts 7, 10). Owns its buffers; borrows nothing between calls.
 *
 *   init -> head -> data* -> finish -> deinit
 */
#pragma once
#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

enum { AGGR_RESPONSE_HEAD_MAX = 256 * 1024, AGGR_RESPONSE_FIELDS_MAX = 1000 };

enum aggr_http { AGGR_HTTP_1_0, AGGR_HTTP_1_1, AGGR_HTTP_2 };

struct aggr_decoder; /* io/decoder.h: a chain of at most two content codings */

struct aggr_response {
    int status;
    enum aggr_http http;
    struct aggr_buf
        head; /* accepted field lines "name: value\n", names lower-cased, values trimmed */
    struct aggr_buf body; /* decoded bytes */
    uint64_t max_body_bytes;
    /* private: framing and decoding state follows */
    bool head_request;   /* the request was HEAD: no body whatever the head says */
    bool framed_by_peer; /* the transport delimits the body itself (HTTP/2) */
    int framing;
    uint64_t length_left;
    struct aggr_chunked *chunked;
    struct aggr_decoder *decoder;
    struct aggr_failure failure; /* first one; code AGGR_OK while all is well */
};

void aggr_response_init(struct aggr_response *response, bool head_request, uint64_t max_body_bytes);
void aggr_response_deinit(struct aggr_response *response);

/* The whole head of a final response, status line first, lines ending CR LF, through the empty
 * line, exactly as received (RFC 9112 §2-6, RFC 9110 §5; HTTP/2: "HTTP/2 200" and fields). False:
 * see failure. */
bool aggr_response_head(struct aggr_response *response, const char *bytes, size_t len);

/* Raw body bytes, transfer framing still on them in HTTP/1 (chunked or by length or until close).
 * False: see failure (too_large, truncated, protocol, decode of a content coding =
 * truncated/protocol). */
bool aggr_response_data(struct aggr_response *response, const char *bytes, size_t len);

/* The peer has ended the stream. False when the body was cut short in framing or compression
 * (truncated). */
bool aggr_response_finish(struct aggr_response *response);

/* Next value of field `name` (lower case) after `*cursor` (0 at first), in the order received; NULL
 * when there is no more. Borrowed until deinit. */
const char *aggr_response_field(const struct aggr_response *response, const char *name,
                                size_t *cursor, size_t *len);
