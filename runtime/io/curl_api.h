/* curl_api.h -- libcurl, loaded when it is first needed: with the thirty libraries below it, it
 * takes longer to load than all else a run does, and plain connections do without.
 *
 * The only place that includes <curl/curl.h>. Code behind it calls curl_easy_init() and so on as
 * ever; the names stand for members of a table that aggr_curl_api_load fills. The table and the
 * library belong to the process, as what the dynamic linker loads does: written once, under
 * pthread_once, and never unloaded (OpenSSL has left exit handlers in it by then).
 *
 *   load -> [curl_...]*
 */
#pragma once
#include "base/err.h"

#define CURL_DISABLE_TYPECHECK /* its macros call the functions by name */
#include <curl/curl.h>

/* Every function of libcurl we call, without its "curl_"; each has its #define below. */
#define AGGR_CURL_FUNCTIONS(X)                                                                     \
    X(easy_cleanup)                                                                                \
    X(easy_getinfo)                                                                                \
    X(easy_init)                                                                                   \
    X(easy_pause)                                                                                  \
    X(easy_recv)                                                                                   \
    X(easy_send)                                                                                   \
    X(easy_setopt)                                                                                 \
    X(easy_strerror)                                                                               \
    X(global_init)                                                                                 \
    X(multi_add_handle)                                                                            \
    X(multi_cleanup)                                                                               \
    X(multi_info_read)                                                                             \
    X(multi_init)                                                                                  \
    X(multi_remove_handle)                                                                         \
    X(multi_setopt)                                                                                \
    X(multi_socket_action)                                                                         \
    X(url)                                                                                         \
    X(url_cleanup)                                                                                 \
    X(url_set)                                                                                     \
    X(version_info)

struct aggr_curl_api {
#define AGGR_CURL_MEMBER(name) __typeof__(&curl_##name) name; /* NOLINT(*-macro-parentheses) */
    AGGR_CURL_FUNCTIONS(AGGR_CURL_MEMBER)
#undef AGGR_CURL_MEMBER
    /* SSL_get_shutdown(3) of the OpenSSL that libcurl stands on; NULL: it has another TLS. */
    int (*ssl_get_shutdown)(const void *ssl);
};

extern struct aggr_curl_api aggr_curl_api;

/* Loads and initialises libcurl, the first time; from any thread. Failing is for good: `failure`
 * says why, and nothing of libcurl may be called. */
enum aggr_err aggr_curl_api_load(struct aggr_failure *failure);

#undef curl_easy_getinfo /* macros of curl.h, which count arguments */
#undef curl_easy_setopt
#undef curl_multi_setopt
#define curl_easy_cleanup aggr_curl_api.easy_cleanup
#define curl_easy_getinfo aggr_curl_api.easy_getinfo
#define curl_easy_init aggr_curl_api.easy_init
#define curl_easy_pause aggr_curl_api.easy_pause
#define curl_easy_recv aggr_curl_api.easy_recv
#define curl_easy_send aggr_curl_api.easy_send
#define curl_easy_setopt aggr_curl_api.easy_setopt
#define curl_easy_strerror aggr_curl_api.easy_strerror
#define curl_global_init aggr_curl_api.global_init
#define curl_multi_add_handle aggr_curl_api.multi_add_handle
#define curl_multi_cleanup aggr_curl_api.multi_cleanup
#define curl_multi_info_read aggr_curl_api.multi_info_read
#define curl_multi_init aggr_curl_api.multi_init
#define curl_multi_remove_handle aggr_curl_api.multi_remove_handle
#define curl_multi_setopt aggr_curl_api.multi_setopt
#define curl_multi_socket_action aggr_curl_api.multi_socket_action
#define curl_url aggr_curl_api.url
#define curl_url_cleanup aggr_curl_api.url_cleanup
#define curl_url_set aggr_curl_api.url_set
#define curl_version_info aggr_curl_api.version_info
