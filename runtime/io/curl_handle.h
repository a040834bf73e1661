/* curl_handle.h -- an easy handle, as far as it connects: TLS, proxy, addresses, sockets. What it
 * carries is for whoever embeds it: curl_exchange.h and dial_curl.c.
 *
 * Owns the easy handle and what curl borrows from us; borrows policy and sockets, and while it runs
 * what it is prepared with. A handle belongs to one policy for good; it is used again and again, so
 * that only the options that differ from one connection to the next are set (facts 13).
 *
 *   init -> (prepare -> [in a multi handle] -> connected* -> reset*)* -> deinit
 */
#pragma once
#include "base/buf.h"
#include "base/list.h"
#include "io/curl_api.h"
#include "io/dialer.h"
#include "io/sockets.h"
#include "io/taught.h"

struct aggr_curl_handle {
    CURL *easy;
    const struct aggr_policy *policy;
    struct aggr_sockets *sockets;  /* borrowed */
    struct aggr_list link;         /* among its pool's spare ones while idle */
    struct aggr_curl_shard *shard; /* NULL while idle */
    struct aggr_taught *taught;    /* while running, as the next one */
    struct aggr_dial to;
    unsigned *starting; /* the counter it is in as long as it has no connection; else NULL */

    /* of the running connection */
    bool connected;       /* it stands, TLS and proxy included */
    bool watched;         /* its socket is */
    bool folded;          /* a folded line where no header is before it: not to be gone on with */
    int fd;               /* of the connection attempt that moved last; -1 = none */
    struct aggr_buf name; /* "host:port" that `teach` is about, and which answer that is */
    uint64_t answer_id;
    char error[CURL_ERROR_SIZE];

    /* what the easy handle is set to */
    struct aggr_buf url; /* text, NUL included */
    CURLU *parsed_url;   /* owned; NULL before the first */
    const struct aggr_proxy *proxy;
    long connect_timeout_ms;

    /* what curl borrows from us */
    struct aggr_buf teach;  /* "host:port:addresses"; empty: nothing to teach */
    struct aggr_buf forget; /* "-host:port" */
    struct aggr_buf connect_to;
    struct curl_slist teach_node, forget_node, connect_to_node;
};

/* Into {0}. AGGR_ERR_MEMORY: deinit is still due. */
enum aggr_err aggr_curl_handle_init(struct aggr_curl_handle *handle,
                                    const struct aggr_policy *policy, struct aggr_sockets *sockets);
void aggr_curl_handle_deinit(struct aggr_curl_handle *handle);

/* Ready to be added to the multi handle that was taught `taught`. `url` is text for curl. */
enum aggr_err aggr_curl_handle_prepare(struct aggr_curl_handle *handle, const struct aggr_dial *to,
                                       const char *url, struct aggr_taught *taught);

/* TLS talks to, and checks, another name than the URL's. */
bool aggr_curl_handle_renamed(const struct aggr_curl_handle *handle);

/* See on_debug in curl_handle.c: to be called when a head of a response begins. */
void aggr_curl_handle_watch_head(struct aggr_curl_handle *handle);

/* It has a socket, whose state has changed so, of which its multi handle tells; -1 = none. */
void aggr_curl_handle_moved(struct aggr_curl_handle *handle, int fd);

/* The connection stands. */
void aggr_curl_handle_connected(struct aggr_curl_handle *handle);

/* Until it stands: connect or tls. */
enum aggr_phase aggr_curl_handle_phase(const struct aggr_curl_handle *handle);

/* Once it stands: what the TLS handshake took. */
uint64_t aggr_curl_handle_tls_ns(const struct aggr_curl_handle *handle);

/* What `code`, with which it ended while still in its multi handle, says of the connection, in
 * words. False: nothing, the connection stands. */
bool aggr_curl_handle_failure(const struct aggr_curl_handle *handle, CURLcode code,
                              struct aggr_failure *failure);

/* curl's own words without their prefixes, or its name for the code. */
const char *aggr_curl_handle_words(const struct aggr_curl_handle *handle, CURLcode code);

/* Connected, or out of its multi handle: lets go of what it borrowed. */
void aggr_curl_handle_reset(struct aggr_curl_handle *handle);

/* Prints into `out`, NUL included. */
__attribute__((format(printf, 2, 3))) enum aggr_err
aggr_curl_handle_print(struct aggr_buf *out, const char *template, ...);
