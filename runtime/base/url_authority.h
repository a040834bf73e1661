/* url_authority.h -- the authority of a URL: userinfo, host, port (RFC 3986 §3.2), and how url's
 * parts report what is wrong. */
#pragma once
#include "base/span.h"
#include "base/url.h"

/* What one parse or resolve carries along. */
struct aggr_url_parse {
    struct aggr_url *url;     /* being filled */
    struct aggr_failure *why; /* may be NULL */
    enum aggr_err malformed;  /* the code for what is wrong with the text */
    const char *userinfo;     /* inherited along with the authority, or NULL */
    char *room;               /* where the URL's next string goes, in its one block */
};

/* The next `size` bytes of the block, which was made large enough. */
char *aggr_url_room(struct aggr_url_parse *parse, size_t size);

/* What userinfo and host of an authority take at most. */
size_t aggr_url_authority_room(struct aggr_span text);

/* Records that the text is no URL we take; returns parse->malformed. */
enum aggr_err aggr_url_refuse(struct aggr_url_parse *parse, const char *text);

enum aggr_err aggr_url_no_memory(struct aggr_url_parse *parse);

/* Sets userinfo, host and port of parse->url, whose `https` is set already and which has room for
 * them. On failure the caller deinits the URL. */
enum aggr_err aggr_url_take_authority(struct aggr_url_parse *parse, struct aggr_span text);
