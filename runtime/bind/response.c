/* aggr.core.response -- reading a Response:
 *
 *   status(r) url(r) method(r) http(r) transport(r) body(r) attempts(r)
 *   headers(r) -> a new table, repeats joined by ", "      header_values(r, name) -> list
 *   timing(r) -> a new table of seconds                    cache(r) -> r's own table
 *   set_attempts(r, n)   truncated(r, bytes) -> r, or a copy with only so much of a longer body
 *   new{ status =, headers = { name = { value, ... } }, body =, url =, method = } -> r
 *   methods: the metatable
 */
#include "bind/response.h"
#include "task/object.h"
#include <lauxlib.h>
#include <string.h>

struct response {
    int status, attempts;
    enum aggr_http http;
    bool has_cache;
    const char *transport;
    size_t url_len, head_len, body_len;
    struct aggr_fetch_timing timing;
    char bytes[]; /* url, head, body and a NUL, method and its NUL */
};

void aggr_response_push(lua_State *L, const struct aggr_response_parts *parts)
{
    size_t method_size = strlen(parts->method) + 1;
    size_t len = parts->url_len + parts->head_len + parts->body_len + 1 + method_size;
    struct response *response = aggr_object_new(L, AGGR_OBJECT_RESPONSE, sizeof *response + len);
    *response = (struct response){.status = parts->status,
                                  .attempts = 1,
                                  .http = parts->http,
                                  .transport = parts->transport,
                                  .url_len = parts->url_len,
                                  .head_len = parts->head_len,
                                  .body_len = parts->body_len,
                                  .timing = parts->timing};
    char *at = response->bytes;
    memcpy(at, parts->url, parts->url_len);
    at += parts->url_len;
    if (parts->head_len)
        memcpy(at, parts->head, parts->head_len);
    at += parts->head_len;
    if (parts->body_len)
        memcpy(at, parts->body, parts->body_len);
    at += parts->body_len;
    *at++ = 0;
    memcpy(at, parts->method, method_size);
}

static void push_seconds(lua_State *L, const char *name, uint64_t ns)
{
    lua_pushnumber(L, (double)ns / (double)AGGR_NS_PER_S);
    lua_setfield(L, -2, name);
}

void aggr_response_push_timing(lua_State *L, const struct aggr_fetch_timing *timing)
{
    lua_createtable(L, 0, 7);
    push_seconds(L, "queue", timing->queue);
    push_seconds(L, "dns", timing->dns);
    push_seconds(L, "connect", timing->connect);
    push_seconds(L, "tls", timing->tls);
    push_seconds(L, "wait", timing->wait);
    push_seconds(L, "body", timing->body);
    push_seconds(L, "total", timing->total);
}

static struct response *check(lua_State *L)
{
    return aggr_object_check(L, 1, AGGR_OBJECT_RESPONSE);
}

static int l_status(lua_State *L)
{
    lua_pushinteger(L, check(L)->status);
    return 1;
}

static int l_url(lua_State *L)
{
    const struct response *response = check(L);
    lua_pushlstring(L, response->bytes, response->url_len);
    return 1;
}

static const char *body_of(const struct response *response)
{
    return response->bytes + response->url_len + response->head_len;
}

static const char *method_of(const struct response *response)
{
    return body_of(response) + response->body_len + 1;
}

const char *aggr_response_body(lua_State *L, int index, size_t *len)
{
    const struct response *response = aggr_object_check(L, index, AGGR_OBJECT_RESPONSE);
    *len = response->body_len;
    return body_of(response);
}

static int l_method(lua_State *L)
{
    lua_pushstring(L, method_of(check(L)));
    return 1;
}

static int l_http(lua_State *L)
{
    static const char *const names[] = {
        [AGGR_HTTP_1_0] = "1.0", [AGGR_HTTP_1_1] = "1.1", [AGGR_HTTP_2] = "2"};
    lua_pushstring(L, names[check(L)->http]);
    return 1;
}

static int l_transport(lua_State *L)
{
    lua_pushstring(L, check(L)->transport);
    return 1;
}

static int l_body(lua_State *L)
{
    const struct response *response = check(L);
    lua_pushlstring(L, body_of(response), response->body_len);
    return 1;
}

static int l_attempts(lua_State *L)
{
    lua_pushinteger(L, check(L)->attempts);
    return 1;
}

static int l_set_attempts(lua_State *L)
{
    struct response *response = check(L);
    response->attempts = (int)luaL_checkinteger(L, 2);
    return 0;
}

static int l_timing(lua_State *L)
{
    aggr_response_push_timing(L, &check(L)->timing);
    return 1;
}

static int l_truncated(lua_State *L)
{
    const struct response *response = check(L);
    lua_Number most = luaL_checknumber(L, 2);
    lua_settop(L, 1);
    if (!(most >= 0 && most < (lua_Number)response->body_len))
        return 1;
    struct aggr_response_parts parts = {
        .status = response->status,
        .http = response->http,
        .transport = response->transport,
        .method = method_of(response),
        .url = response->bytes,
        .url_len = response->url_len,
        .head = response->bytes + response->url_len,
        .head_len = response->head_len,
        .body = body_of(response),
        .body_len = (size_t)most,
        .timing = response->timing,
    };
    aggr_response_push(L, &parts);
    return 1;
}

static int l_cache(lua_State *L)
{
    struct response *response = check(L);
    if (!response->has_cache) {
        lua_newtable(L);
        lua_setfenv(L, 1);
        response->has_cache = true;
    }
    lua_getfenv(L, 1);
    return 1;
}

struct line {
    const char *name, *value;
    size_t name_len, value_len;
};

static bool next_line(const struct response *response, size_t *at, struct line *line)
{
    const char *head = response->bytes + response->url_len;
    if (*at >= response->head_len)
        return false;
    const char *start = head + *at;
    const char *end = memchr(start, '\n', response->head_len - *at);
    const char *colon = memchr(start, ':', (size_t)(end - start));
    line->name = start;
    line->name_len = (size_t)(colon - start);
    line->value = colon + 2;
    line->value_len = (size_t)(end - line->value);
    *at = (size_t)(end + 1 - head);
    return true;
}

static int l_headers(lua_State *L)
{
    const struct response *response = check(L);
    struct line line;
    lua_newtable(L);
    for (size_t at = 0; next_line(response, &at, &line);) {
        lua_pushlstring(L, line.name, line.name_len);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushlstring(L, line.value, line.value_len);
        } else {
            lua_pushliteral(L, ", ");
            lua_pushlstring(L, line.value, line.value_len);
            lua_concat(L, 3);
        }
        lua_rawset(L, -3);
    }
    return 1;
}

static int l_header_values(lua_State *L)
{
    const struct response *response = check(L);
    size_t len;
    const char *name = luaL_checklstring(L, 2, &len);
    struct line line;
    int count = 0;
    lua_newtable(L);
    for (size_t at = 0; next_line(response, &at, &line);) {
        if (line.name_len != len || memcmp(line.name, name, len) != 0)
            continue;
        lua_pushlstring(L, line.value, line.value_len);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* The string field `name` of the table at 1, left on the stack; "" when it is not there. */
static const char *string_field(lua_State *L, const char *name, size_t *len)
{
    lua_getfield(L, 1, name);
    const char *text = lua_tolstring(L, -1, len);
    if (!text)
        *len = 0;
    return text ? text : "";
}

/* The header lines of { name = { value, ... } } at `index`, as one string. */
static void push_head(lua_State *L, int index)
{
    luaL_Buffer head;
    lua_pushvalue(L, index);
    lua_newtable(L); /* the lines: nothing else may be on the stack under a luaL_Buffer */
    int lines = lua_gettop(L), count = 0;
    for (lua_pushnil(L); lua_next(L, lines - 1); lua_pop(L, 1)) {
        luaL_checktype(L, -2, LUA_TSTRING);
        luaL_checktype(L, -1, LUA_TTABLE);
        for (int i = 1; i <= (int)lua_objlen(L, -1); i++) {
            lua_pushvalue(L, -2);
            lua_pushliteral(L, ": ");
            lua_rawgeti(L, -3, i);
            luaL_checkstring(L, -1);
            lua_pushliteral(L, "\n");
            lua_concat(L, 4);
            lua_rawseti(L, lines, ++count);
        }
    }
    luaL_buffinit(L, &head);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, lines, i);
        luaL_addvalue(&head);
    }
    luaL_pushresult(&head);
}

static int l_new(lua_State *L)
{
    struct aggr_response_parts parts = {.http = AGGR_HTTP_1_1, .transport = "fake"};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "status");
    parts.status = (int)luaL_checkinteger(L, -1);
    size_t method_len;
    parts.method = string_field(L, "method", &method_len);
    parts.url = string_field(L, "url", &parts.url_len);
    parts.body = string_field(L, "body", &parts.body_len);
    lua_getfield(L, 1, "headers");
    if (lua_istable(L, -1)) {
        push_head(L, lua_gettop(L));
        parts.head = lua_tolstring(L, -1, &parts.head_len);
    }
    aggr_response_push(L, &parts);
    return 1;
}

static const luaL_Reg functions[] = {
    {"status", l_status},
    {"url", l_url},
    {"method", l_method},
    {"http", l_http},
    {"transport", l_transport},
    {"body", l_body},
    {"attempts", l_attempts},
    {"set_attempts", l_set_attempts},
    {"timing", l_timing},
    {"truncated", l_truncated},
    {"cache", l_cache},
    {"headers", l_headers},
    {"header_values", l_header_values},
    {"new", l_new},
    {NULL, NULL},
};

int aggr_bind_response(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    aggr_object_define(L, AGGR_OBJECT_RESPONSE);
    lua_setfield(L, -2, "methods");
    return 1;
}
