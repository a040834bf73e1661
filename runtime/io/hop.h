/* hop.h -- what one hop of a fetch asks for, and what a redirect makes of it. Plain data.
 *
 *   {0} -> init -> follow* -> deinit          deinit of {0} and after a failed init is harmless
 */
#pragma once
#include "base/url.h"
#include "io/response.h"

enum { AGGR_HOP_METHOD_MAX = 31 };

struct aggr_hop {
    char method[AGGR_HOP_METHOD_MAX + 1];
    struct aggr_url url;
    struct aggr_buf headers; /* "Name: value\n" lines */
    bool has_body;
    struct aggr_buf body;
};

/* What a caller asks for; all borrowed for the call of init. */
struct aggr_hop_request {
    const char *method;
    const char *url;
    size_t url_len;
    const char *headers; /* "Name: value\n" lines */
    size_t headers_len;
    const char *body; /* NULL = none */
    size_t body_len;
};

/* Copies the request into `hop`, which is {0} but for an empty `headers` and the `url` of another
 * request; adds
 * Accept-Encoding and User-Agent where they are not given (the transport adds Accept: each line
 * more costs libcurl a dozen searches). Fails with kind usage or memory. */
enum aggr_err aggr_hop_init(struct aggr_hop *hop, const struct aggr_hop_request *request,
                            struct aggr_failure *why);

void aggr_hop_deinit(struct aggr_hop *hop);

/* The Location that a response redirects to, of `*len` bytes, or NULL (no redirect). */
const char *aggr_hop_location(const struct aggr_response *response, size_t *len);

/* Make `hop` the request that `status` and `location` ask for: method and body as the Fetch
 * standard (4.4, HTTP-redirect fetch) and RFC 9110 §15.4 say; on another origin, https to http
 * included, only harmless headers go along (facts 8). Fails with kind denied, protocol or memory.
 */
enum aggr_err aggr_hop_follow(struct aggr_hop *hop, int status, const char *location, size_t len,
                              struct aggr_failure *why);
