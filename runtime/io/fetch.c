#include "io/fetch.h"
#include "base/mem.h"
#include "io/fetch_drive.h"
#include <string.h>

/* A fetch and its buffers are used again, up to this many, with buffers up to this size: malloc
 * would show in the time of every request. A sanitizer should see each of them freed. */
#ifdef __SANITIZE_ADDRESS__
enum { SPARES_MAX = 0, SPARE_BYTES_MAX = 0 };
#else
enum { SPARES_MAX = 1024, SPARE_BYTES_MAX = 4096 };
#endif

/* All zero but for empty buffers and a URL. */
static struct aggr_fetch *take_spare(struct aggr_runtime *rt)
{
    struct aggr_list *link = aggr_list_shift(&rt->spares);
    if (!link)
        return aggr_mem_new(1, sizeof(struct aggr_fetch));
    rt->spare_len--;
    return AGGR_LIST_ENTRY(link, struct aggr_fetch, spare);
}

/* Takes the memory out of `buf`, if it is worth keeping. */
static struct aggr_buf keep(struct aggr_buf *buf)
{
    struct aggr_buf kept = {0};
    if (buf->cap > SPARE_BYTES_MAX)
        return kept;
    kept = (struct aggr_buf){.data = buf->data, .cap = buf->cap};
    *buf = (struct aggr_buf){0};
    return kept;
}

/* The same of a URL: the next one may be of the same origin. */
static struct aggr_url keep_url(struct aggr_url *url)
{
    struct aggr_url kept = {0};
    if (url->size > SPARE_BYTES_MAX)
        return kept;
    kept = *url;
    *url = (struct aggr_url){0};
    return kept;
}

struct aggr_fetch *aggr_fetch_new(struct aggr_runtime *rt, const struct aggr_fetch_request *request,
                                  void (*on_end)(struct aggr_fetch *fetch, void *owner),
                                  void *owner)
{
    struct aggr_fetch *fetch = take_spare(rt);
    struct aggr_buf head = fetch->response.head, body = fetch->response.body;
    fetch->rt = rt;
    fetch->on_end = on_end;
    fetch->owner = owner;
    fetch->policy = request->policy;
    fetch->client = request->client;
    fetch->redirects_max = request->redirects;
    fetch->limits.timeout_ns = request->timeout_ns;
    fetch->limits.connect_timeout_ns = request->connect_timeout_ns;
    fetch->limits.idle_timeout_ns = request->idle_timeout_ns;
    fetch->id = ++rt->next_id;
    aggr_backlog_begin(fetch);
    const struct aggr_hop_request hop = {
        .method = request->method,
        .url = request->url,
        .url_len = request->url_len,
        .headers = request->headers,
        .headers_len = request->headers_len,
        .body = request->body,
        .body_len = request->body_len,
    };
    aggr_response_init(&fetch->response, strcmp(request->method, "HEAD") == 0,
                       request->max_body_bytes);
    fetch->response.head = head;
    fetch->response.body = body;
    if (aggr_hop_init(&fetch->hop, &hop, &fetch->response.failure))
        fetch->given_url = strndup(request->url, request->url_len);
    return fetch;
}

void aggr_fetch_start(struct aggr_fetch *fetch)
{
    AGGR_CHECK(fetch->state == AGGR_FETCH_NEW);
    aggr_fetch_drive(fetch);
}

void aggr_fetch_cancel(struct aggr_fetch *fetch)
{
    if (fetch->state != AGGR_FETCH_NEW && fetch->state != AGGR_FETCH_ENDED)
        aggr_fetch_halt(fetch);
}

void aggr_fetch_free(struct aggr_fetch *fetch)
{
    struct aggr_runtime *rt = fetch->rt;
    AGGR_CHECK(fetch->state == AGGR_FETCH_NEW || fetch->state == AGGR_FETCH_ENDED);
    aggr_fetch_hold(fetch, 0);
    aggr_answer_release(fetch->answer);
    free(fetch->given_url);
    if (rt->spare_len + 1 > SPARES_MAX) {
        aggr_response_deinit(&fetch->response);
        aggr_hop_deinit(&fetch->hop);
        free(fetch);
        return;
    }
    struct aggr_url url = keep_url(&fetch->hop.url);
    struct aggr_buf headers = keep(&fetch->hop.headers);
    struct aggr_buf head = keep(&fetch->response.head), body = keep(&fetch->response.body);
    aggr_response_deinit(&fetch->response);
    aggr_hop_deinit(&fetch->hop);
    memset(fetch, 0, sizeof *fetch);
    fetch->hop.url = url;
    fetch->hop.headers = headers;
    fetch->response.head = head;
    fetch->response.body = body;
    aggr_list_push(rt->spares.next, &fetch->spare); /* before the first */
    rt->spare_len++;
}

void aggr_fetch_free_spares(struct aggr_runtime *rt)
{
    struct aggr_list *link;
    while ((link = aggr_list_shift(&rt->spares))) {
        struct aggr_fetch *fetch = AGGR_LIST_ENTRY(link, struct aggr_fetch, spare);
        aggr_response_deinit(&fetch->response);
        aggr_hop_deinit(&fetch->hop);
        free(fetch);
    }
    rt->spare_len = 0;
}

void aggr_fetch_hold(struct aggr_fetch *fetch, size_t bytes)
{
    struct aggr_ledger *ledger = &fetch->rt->loop.ledger;
    size_t held = fetch->held_bytes;
    aggr_backlog_hold(fetch, bytes);
    if (bytes > held)
        aggr_ledger_made(ledger, AGGR_LEDGER_BYTES, (uintptr_t)fetch, bytes - held, NULL);
    else if (bytes < held)
        aggr_ledger_gone(ledger, AGGR_LEDGER_BYTES, (uintptr_t)fetch, held - bytes);
}

const struct aggr_failure *aggr_fetch_failure(const struct aggr_fetch *fetch)
{
    return &fetch->response.failure;
}

struct aggr_response *aggr_fetch_response(struct aggr_fetch *fetch)
{
    return &fetch->response;
}

const char *aggr_fetch_url(const struct aggr_fetch *fetch)
{
    const char *given = fetch->given_url ? fetch->given_url : "";
    return fetch->hop.url.text ? fetch->hop.url.text : given;
}

const char *aggr_fetch_method(const struct aggr_fetch *fetch)
{
    return fetch->hop.method;
}

const char *aggr_fetch_transport(const struct aggr_fetch *fetch)
{
    return fetch->served_by;
}

void aggr_fetch_timing(const struct aggr_fetch *fetch, struct aggr_fetch_timing *timing)
{
    *timing = fetch->timing;
}
