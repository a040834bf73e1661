/* response.h -- aggr.core.response: what a request brought, head and body in one userdata block, so
 * that the collector counts them (facts 21).
 */
#pragma once
#include "io/fetch.h"
#include <lua.h>

/* The module's table. */
int aggr_bind_response(lua_State *L);

/* What a Response is made of; borrowed for the call. */
struct aggr_response_parts {
    int status;
    enum aggr_http http;
    const char *transport; /* its name, static */
    const char *method;    /* of the last hop */
    struct aggr_fetch_timing timing;
    const char *url, *head, *body;
    size_t url_len, head_len, body_len; /* head: "name: value\n" lines, names in lower case */
};

/* Pushes a Response. May throw (memory). */
void aggr_response_push(lua_State *L, const struct aggr_response_parts *parts);

/* The body of the Response at `index`, with a NUL behind it; valid as long as the Response. Raises
 * when there is none. */
const char *aggr_response_body(lua_State *L, int index, size_t *len);

/* Pushes the table of seconds that res.timing and err.timing are. */
void aggr_response_push_timing(lua_State *L, const struct aggr_fetch_timing *timing);
