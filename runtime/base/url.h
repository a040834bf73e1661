/* url.h -- http and https URLs: parsing, reference resolution, origins, masking.
 *
 * A struct aggr_url owns its strings, which are one block of memory. Dot segments are removed, the
 * host is in lower case, a literal IPv6 address in its shortest form; what RFC 3986 does not allow
 * in a path or query is percent-encoded ([ and ] are left as they are); fragments are dropped.
 *
 *   (parse | resolve) -> deinit          deinit of {0} and of a failed parse is harmless
 */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

enum { AGGR_URL_MAX = 64 * 1024, AGGR_URL_HOST_MAX = 254 };

struct aggr_url {
    char *block;        /* owned: what all strings but `scheme` lie in */
    size_t size;        /* of it */
    char *text;         /* "https://host:8443/path?query", the port only when not default */
    const char *scheme; /* "http" or "https", static */
    char *host;         /* "api.test", "127.0.0.1", "::1" (no brackets) */
    const char *target; /* within text: "/path?query", never empty */
    char *origin;       /* "https://host:8443", the port always there, IPv6 in brackets */
    char *userinfo;     /* "user:password", percent-decoded; NULL when there was none */
    int port;           /* 1..65535 */
    bool https;
};

/* An absolute URL. Fails with AGGR_ERR_USAGE (what is wrong with it, without the URL itself) or
 * AGGR_ERR_MEMORY. Spaces, control characters, a host that is not ASCII and other schemes are
 * refused. `text` needs no NUL. */
enum aggr_err aggr_url_parse(struct aggr_url *url, const char *text, size_t len,
                             struct aggr_failure *why);

/* The same into a `url` that may have been parsed before, which is quicker where its authority is
 * the same and its memory will do. */
enum aggr_err aggr_url_parse_again(struct aggr_url *url, const char *text, size_t len,
                                   struct aggr_failure *why);

/* Where `reference` (a Location field, RFC 9110 §10.2.2) leads from `base`: RFC 3986 §5.2. A scheme
 * other than http and https is AGGR_ERR_DENIED, a malformed reference AGGR_ERR_PROTOCOL. Spaces
 * become %20. Userinfo is inherited only along with the authority. `out` must not be `base`. */
enum aggr_err aggr_url_resolve(struct aggr_url *out, const struct aggr_url *base,
                               const char *reference, size_t len, struct aggr_failure *why);

/* Same scheme, host and port. */
bool aggr_url_same_origin(const struct aggr_url *a, const struct aggr_url *b);

/* Frees the strings and leaves {0}. */
void aggr_url_deinit(struct aggr_url *url);

/* `text` with the password of its userinfo hidden: "http://user:***@host/"; userinfo without a
 * colon (a token) is hidden whole. Any text will do, malformed URLs included. Writes at most `cap`
 * bytes, NUL included; returns the length of the whole result, as snprintf does. */
size_t aggr_url_mask(char *out, size_t cap, const char *text);
