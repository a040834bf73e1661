/* aggr.core.fetch:
 *
 *   profile{ http =, ca =, cert =, key =, verify =, server_name =, proxy = url | false,
 *            unix_socket =, resolve = { host = address }, concurrency =, per_host =,
 *            permits = profile whose own permits hold for this one too }
 *     -> profile | nil, message
 *   start(profile, method, url, headers, body | nil, timeout | false, connect_timeout | false,
 *         idle_timeout | false, max_body, redirects)   (waits)
 *     -> Response, status | nil, failure   seconds; headers are "Name: value\n" lines
 *   stats() -> { in_flight, peak, waiting, connections }
 *   mask(url) -> the url, its password hidden            origin(url) -> origin | nil, message
 */
#include "bind/fetch.h"
#include "base/mem.h"
#include "bind/response.h"
#include "task/object.h"
#include "task/state.h"
#include "task/wait.h"
#include <lauxlib.h>
#include <string.h>

/* Lives as long as its userdata or a request that uses it. */
struct profile {
    unsigned refs;
    const struct aggr_policy *policy; /* the runtime's */
    struct aggr_gate_client *client;  /* owned, or that of `permits`; NULL: no permits of its own */
    struct profile *permits;          /* a reference, or NULL */
};

static void profile_release(struct profile *profile)
{
    if (!profile || --profile->refs > 0)
        return;
    if (profile->permits)
        profile_release(profile->permits);
    else
        aggr_gate_client_free(profile->client);
    free(profile);
}

static int l_profile_gc(lua_State *L)
{
    struct profile **box = aggr_object_check(L, 1, AGGR_OBJECT_PROFILE);
    profile_release(*box);
    *box = NULL;
    return 0;
}

/* The string option `name`, left on the stack, or NULL. */
static const char *text_option(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
}

static unsigned count_option(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    lua_Number count = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return count >= 1 && count < 1e9 ? (unsigned)count : 0;
}

/* A list of host, address, ..., sorted by host so that equal tables give equal policies. It is left
 * on the stack, and so are its strings. */
static const char **resolve_option(lua_State *L)
{
    lua_getfield(L, 1, "resolve");
    if (!lua_istable(L, -1))
        return NULL;
    int table = lua_gettop(L);
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING, 1,
                      "resolve maps strings to strings");
        count++;
    }
    const char **list = lua_newuserdata(L, (2 * count + 1) * sizeof *list);
    size_t len = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        size_t at = len;
        const char *host = lua_tostring(L, -2);
        for (; at > 0 && strcmp(list[at - 2], host) > 0; at -= 2) {
            list[at] = list[at - 2];
            list[at + 1] = list[at - 1];
        }
        list[at] = host;
        list[at + 1] = lua_tostring(L, -1);
        len += 2;
    }
    list[len] = NULL;
    return list;
}

static enum aggr_policy_http http_option(lua_State *L)
{
    const char *http = text_option(L, "http");
    if (http && strcmp(http, "1.1") == 0)
        return AGGR_POLICY_HTTP_1;
    return http && strcmp(http, "2") == 0 ? AGGR_POLICY_HTTP_2 : AGGR_POLICY_HTTP_AUTO;
}

static bool is_false(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    bool is = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

/* The profile in the option `permits`, kept by what it leaves on the stack, or NULL. */
static struct profile *permits_option(lua_State *L)
{
    lua_getfield(L, 1, "permits");
    if (lua_isnil(L, -1))
        return NULL;
    return *(struct profile **)aggr_object_check(L, -1, AGGR_OBJECT_PROFILE);
}

static void set_permits(struct profile *self, struct profile *permits, unsigned concurrency,
                        unsigned per_host)
{
    if (permits) {
        permits->refs++;
        self->permits = permits;
        self->client = permits->client;
    } else if (concurrency || per_host) {
        self->client = aggr_gate_client_new(concurrency, per_host);
    }
}

static int l_profile(lua_State *L)
{
    struct aggr_runtime *rt = aggr_state_runtime(L);
    struct aggr_failure why = {0};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct aggr_policy_options options = {
        .http = http_option(L),
        .ca = text_option(L, "ca"),
        .cert = text_option(L, "cert"),
        .key = text_option(L, "key"),
        .insecure = is_false(L, "verify"),
        .server_name = text_option(L, "server_name"),
        .proxy = is_false(L, "proxy") ? "" : text_option(L, "proxy"),
        .unix_socket = text_option(L, "unix_socket"),
        .resolve = resolve_option(L),
    };
    unsigned concurrency = count_option(L, "concurrency");
    unsigned per_host = count_option(L, "per_host");
    struct profile *permits = permits_option(L);
    struct profile **box = aggr_object_new(L, AGGR_OBJECT_PROFILE, sizeof *box);
    *box = NULL;
    const struct aggr_policy *policy = aggr_policy_intern(rt->policies, &options, &why);
    if (!policy) {
        lua_pushnil(L);
        lua_pushstring(L, why.text);
        return 2;
    }
    *box = aggr_mem_new(1, sizeof **box);
    (*box)->refs = 1;
    (*box)->policy = policy;
    set_permits(*box, permits, concurrency, per_host);
    return 1;
}

/* A request that a task waits for. It is in the fetch's room, and goes with it. */
struct fetch_wait {
    struct aggr_wait wait;
    struct profile *profile; /* a reference */
};

_Static_assert(sizeof(struct fetch_wait) <= sizeof(((struct aggr_fetch *)0)->room), "no room");

static struct aggr_fetch *fetch_of(struct aggr_wait *wait)
{
    return AGGR_LIST_ENTRY(wait, struct aggr_fetch, room);
}

static void on_fetch_end(struct aggr_fetch *fetch, void *owner)
{
    (void)owner;
    aggr_wait_done((struct aggr_wait *)fetch->room);
}

static void fetch_start(struct aggr_wait *wait)
{
    aggr_fetch_start(fetch_of(wait));
}

static void fetch_cancel(struct aggr_wait *wait)
{
    aggr_fetch_cancel(fetch_of(wait));
}

static void fetch_free(struct aggr_wait *wait)
{
    profile_release(((struct fetch_wait *)wait)->profile);
    aggr_fetch_free(fetch_of(wait));
}

static void push_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static int push_failure(lua_State *L, struct aggr_fetch *fetch)
{
    const struct aggr_failure *failure = aggr_fetch_failure(fetch);
    const struct aggr_response *response = aggr_fetch_response(fetch);
    struct aggr_fetch_timing timing;
    aggr_fetch_timing(fetch, &timing);
    lua_pushnil(L);
    lua_createtable(L, 0, 8);
    push_text(L, "kind", aggr_err_kind(failure->code));
    push_text(L, "message", failure->text);
    push_text(L, "phase", aggr_phase_name(failure->phase));
    push_text(L, "url", aggr_fetch_url(fetch));
    push_text(L, "method", aggr_fetch_method(fetch));
    if (aggr_fetch_transport(fetch))
        push_text(L, "transport", aggr_fetch_transport(fetch));
    if (response->status > 0) {
        lua_pushinteger(L, response->status);
        lua_setfield(L, -2, "status");
    }
    aggr_response_push_timing(L, &timing);
    lua_setfield(L, -2, "timing");
    return 2;
}

static int fetch_take(struct aggr_wait *wait, lua_State *L)
{
    struct aggr_fetch *fetch = fetch_of(wait);
    if (aggr_fetch_failure(fetch)->code)
        return push_failure(L, fetch);
    const struct aggr_response *response = aggr_fetch_response(fetch);
    struct aggr_response_parts parts = {
        .status = response->status,
        .http = response->http,
        .transport = aggr_fetch_transport(fetch),
        .method = aggr_fetch_method(fetch),
        .url = aggr_fetch_url(fetch),
        .head = response->head.data,
        .head_len = response->head.len,
        .body = response->body.data,
        .body_len = response->body.len,
    };
    parts.url_len = strlen(parts.url);
    aggr_fetch_timing(fetch, &parts.timing);
    aggr_response_push(L, &parts);
    lua_pushinteger(L, parts.status);
    return 2;
}

static const struct aggr_wait_ops fetch_ops = {
    .name = "fetch",
    .start = fetch_start,
    .cancel = fetch_cancel,
    .take = fetch_take,
    .free = fetch_free,
};

/* Seconds as ns; anything but a number means no limit. */
static uint64_t span_at(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TNUMBER)
        return AGGR_NEVER;
    return aggr_clock_after(0, lua_tonumber(L, index));
}

static uint64_t bytes_at(lua_State *L, int index)
{
    lua_Number bytes = luaL_checknumber(L, index);
    if (!(bytes > 0))
        return 0;
    return bytes < 9e18 ? (uint64_t)bytes : UINT64_MAX;
}

static int l_start(lua_State *L)
{
    struct aggr_runtime *rt = aggr_state_runtime(L);
    struct profile **box = aggr_object_check(L, 1, AGGR_OBJECT_PROFILE);
    if (!*box)
        return luaL_argerror(L, 1, "profile is closed");
    size_t url_len, headers_len, body_len = 0;
    const char *url = luaL_checklstring(L, 3, &url_len);
    const char *headers = luaL_checklstring(L, 4, &headers_len);
    const char *body = lua_isnoneornil(L, 5) ? NULL : luaL_checklstring(L, 5, &body_len);
    struct aggr_fetch_request request = {
        .method = luaL_checkstring(L, 2),
        .url = url,
        .url_len = url_len,
        .headers = headers,
        .headers_len = headers_len,
        .body = body,
        .body_len = body_len,
        .timeout_ns = span_at(L, 6),
        .connect_timeout_ns = span_at(L, 7),
        .idle_timeout_ns = span_at(L, 8),
        .max_body_bytes = bytes_at(L, 9),
        .redirects = (unsigned)luaL_checkinteger(L, 10),
        .policy = (*box)->policy,
        .client = (*box)->client,
    };
    struct aggr_fetch *fetch = aggr_fetch_new(rt, &request, on_fetch_end, NULL);
    struct fetch_wait *self = (struct fetch_wait *)fetch->room;
    self->wait.ops = &fetch_ops;
    self->profile = *box;
    self->profile->refs++;
    return aggr_task_await(L, &self->wait);
}

static void push_count(lua_State *L, const char *name, unsigned count)
{
    lua_pushinteger(L, (lua_Integer)count);
    lua_setfield(L, -2, name);
}

static int l_stats(lua_State *L)
{
    struct aggr_runtime *rt = aggr_state_runtime(L);
    struct aggr_gate_stats stats = aggr_gate_stats(rt->gate);
    lua_createtable(L, 0, 4);
    push_count(L, "in_flight", stats.in_use);
    push_count(L, "peak", stats.peak);
    push_count(L, "waiting", stats.waiting);
    push_count(L, "connections", aggr_router_connections(&rt->router));
    return 1;
}

static int l_mask(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1);
    size_t len = aggr_url_mask(NULL, 0, text) + 1;
    char *out = lua_newuserdata(L, len);
    aggr_url_mask(out, len, text);
    lua_pushstring(L, out);
    return 1;
}

static int l_origin(lua_State *L)
{
    struct aggr_url url = {0};
    struct aggr_failure why = {0};
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    char origin[AGGR_URL_HOST_MAX + 32];
    if (aggr_url_parse(&url, text, len, &why)) {
        lua_pushnil(L);
        lua_pushstring(L, why.text);
        return 2;
    }
    snprintf(origin, sizeof origin, "%s", url.origin);
    aggr_url_deinit(&url); /* pushing may throw */
    lua_pushstring(L, origin);
    return 1;
}

static const luaL_Reg functions[] = {
    {"profile", l_profile}, {"start", l_start},   {"stats", l_stats},
    {"mask", l_mask},       {"origin", l_origin}, {NULL, NULL},
};

int aggr_bind_fetch(lua_State *L)
{
    aggr_object_define(L, AGGR_OBJECT_PROFILE);
    lua_pushcfunction(L, l_profile_gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
