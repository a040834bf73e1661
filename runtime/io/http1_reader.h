/* http1_reader.h -- the answer to one HTTP/1.1 request as its bytes arrive: where its interim
 * heads, its head and its body end, and whether the connection can be used again. What the head and
 * body say is for the sink; llhttp finds the
 * head's end and what it says of the body's.
 *
 * Owns a head that has not come whole; borrows the sink. No I/O.
 *
 *   init -> feed* -> [end] -> deinit
 */
#pragma once
#include "base/buf.h"
#include "io/chunked.h"
#include "io/transport.h"
#include <llhttp.h> /* in strict mode: LLHTTP_STRICT_MODE */

enum aggr_http1_verdict {
    AGGR_HTTP1_MORE,
    AGGR_HTTP1_DONE,
    AGGR_HTTP1_BROKEN, /* see `failure`; kind cancelled: the sink wants no more */
};

struct aggr_http1_reader {
    llhttp_t parser;
    struct aggr_sink *sink;
    struct aggr_buf head;
    struct aggr_buf blanks; /* a piece of a head with blanks for its tabs */
    struct aggr_chunked chunked;
    uint64_t body_left; /* with a Content-Length */
    unsigned interim;   /* heads of interim responses so far */
    unsigned keep_s;    /* the server's Keep-Alive hint; 0 = none */
    enum { AGGR_HTTP1_HEAD, AGGR_HTTP1_LENGTH, AGGR_HTTP1_CHUNKED, AGGR_HTTP1_CLOSE } state;
    bool head_request;
    bool heard; /* a byte at least */
    bool keep;  /* when done: the connection can take another request */
    struct aggr_failure failure;
};

void aggr_http1_reader_init(struct aggr_http1_reader *reader, struct aggr_sink *sink,
                            bool head_request);
void aggr_http1_reader_deinit(struct aggr_http1_reader *reader);

/* After anything but MORE it is not to be fed again. */
enum aggr_http1_verdict aggr_http1_reader_feed(struct aggr_http1_reader *reader, const char *bytes,
                                               size_t len);

enum aggr_http1_ending {
    AGGR_HTTP1_ENDED,
    AGGR_HTTP1_RESET,
    AGGR_HTTP1_CUT, /* ended, perhaps not by the server */
};

/* The connection is no more. Never MORE. BROKEN without a failure: before the first byte. */
enum aggr_http1_verdict aggr_http1_reader_end(struct aggr_http1_reader *reader,
                                              enum aggr_http1_ending ending);

static inline bool aggr_http1_reader_in_body(const struct aggr_http1_reader *reader)
{
    return reader->state != AGGR_HTTP1_HEAD;
}
