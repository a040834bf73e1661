#include "io/http1_exchange.h"
#include "io/http1_request.h"
#include <errno.h>
#include <string.h>

/* How often in a row one connection is read: others wait. */
enum { READS_MAX = 8 };

void aggr_http1_exchange_begin(struct aggr_exchange *exchange,
                               const struct aggr_exchange_request *request, struct aggr_sink *sink)
{
    exchange->request = request;
    exchange->sink = sink;
    exchange->tls_ns = 0;
    exchange->reused = exchange->announced = exchange->replaced = exchange->paused = false;
    aggr_http1_exchange_restart(exchange);
}

void aggr_http1_exchange_restart(struct aggr_exchange *exchange)
{
    const struct aggr_exchange_request *request = exchange->request;
    aggr_http1_reader_init(&exchange->reader, exchange->sink, strcmp(request->method, "HEAD") == 0);
    aggr_buf_clear(&exchange->head);
    exchange->head_at = exchange->body_at = 0;
    exchange->begun = exchange->sent = exchange->unsendable = exchange->reset = false;
    exchange->answered = false;
}

static bool out_of_memory(struct aggr_exchange *exchange)
{
    aggr_failure_set(&exchange->reader.failure, AGGR_ERR_MEMORY, AGGR_PHASE_WRITE, "out of memory");
    return false;
}

/* One write of what is left of head and body. False: no more can be sent now. */
static bool write_on(struct aggr_exchange *exchange, const struct aggr_buf *head)
{
    const struct aggr_exchange_request *request = exchange->request;
    struct aggr_stream *stream = exchange->connection->stream;
    size_t head_left = head->len - exchange->head_at;
    size_t body_left = request->body ? request->body_len - exchange->body_at : 0;
    struct iovec parts[2];
    int count = 0;
    if (head_left > 0)
        parts[count++] = (struct iovec){head->data + exchange->head_at, head_left};
    if (body_left > 0)
        parts[count++] = (struct iovec){(char *)request->body + exchange->body_at, body_left};
    if (count == 0)
        return false;
    ssize_t written = stream->ops->write(stream, parts, count);
    if (written < 0) {
        exchange->unsendable = errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
        return errno == EINTR;
    }
    size_t of_head = (size_t)written < head_left ? (size_t)written : head_left;
    exchange->sent = true;
    exchange->head_at += of_head;
    exchange->body_at += (size_t)written - of_head;
    return false; /* less than all of it: there is no room for more */
}

/* What is left of the head moves into the exchange. */
static bool keep_rest(struct aggr_exchange *exchange, const struct aggr_buf *scratch)
{
    size_t left = scratch->len - exchange->head_at;
    const char *rest = scratch->data + exchange->head_at;
    exchange->head_at = 0;
    return left == 0 || !aggr_buf_append(&exchange->head, rest, left) || out_of_memory(exchange);
}

bool aggr_http1_exchange_send(struct aggr_exchange *exchange, struct aggr_buf *scratch)
{
    bool first = !exchange->begun;
    if (exchange->unsendable)
        return true;
    if (first && aggr_http1_request(scratch, exchange->request))
        return out_of_memory(exchange);
    exchange->begun = true;
    while (write_on(exchange, first ? scratch : &exchange->head))
        ;
    return !first || keep_rest(exchange, scratch);
}

bool aggr_http1_exchange_is_sent(const struct aggr_exchange *exchange)
{
    const struct aggr_exchange_request *request = exchange->request;
    return exchange->begun && exchange->head_at == exchange->head.len &&
           (!request->body || exchange->body_at == request->body_len);
}

bool aggr_http1_exchange_sends_on(const struct aggr_exchange *exchange)
{
    const struct aggr_http1_reader *reader = &exchange->reader;
    return reader->failure.code == AGGR_OK && reader->keep && reader->parser.status_code < 400 &&
           !exchange->unsendable && !aggr_http1_exchange_is_sent(exchange);
}

/* As errno says; 0: in peace. */
static enum aggr_http1_outcome end(struct aggr_exchange *exchange, int os_errno)
{
    enum aggr_http1_ending ending = os_errno == 0              ? AGGR_HTTP1_ENDED
                                    : os_errno == ECONNABORTED ? AGGR_HTTP1_CUT
                                                               : AGGR_HTTP1_RESET;
    exchange->reset = ending == AGGR_HTTP1_RESET;
    enum aggr_http1_verdict verdict = aggr_http1_reader_end(&exchange->reader, ending);
    if (verdict == AGGR_HTTP1_BROKEN && exchange->reader.failure.code == AGGR_OK)
        return AGGR_HTTP1_CLOSED;
    return AGGR_HTTP1_OVER;
}

enum aggr_http1_outcome aggr_http1_exchange_receive(struct aggr_exchange *exchange, char *buffer,
                                                    size_t cap)
{
    struct aggr_stream *stream = exchange->connection->stream;
    for (unsigned reads = 0; reads < READS_MAX; reads++) {
        ssize_t len = stream->ops->read(stream, buffer, cap);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return AGGR_HTTP1_GOES_ON;
        if (len <= 0)
            return end(exchange, len < 0 ? errno : 0);
        if (aggr_http1_reader_feed(&exchange->reader, buffer, (size_t)len) != AGGR_HTTP1_MORE) {
            exchange->drained = (size_t)len < cap;
            return AGGR_HTTP1_OVER;
        }
        if ((size_t)len < cap || exchange->paused)
            return AGGR_HTTP1_GOES_ON;
    }
    return AGGR_HTTP1_GOES_ON;
}

bool aggr_http1_exchange_reusable(const struct aggr_exchange *exchange)
{
    struct aggr_stream *stream = exchange->connection->stream;
    const struct aggr_http1_reader *reader = &exchange->reader;
    return reader->failure.code == AGGR_OK && reader->keep && !exchange->unsendable &&
           aggr_http1_exchange_is_sent(exchange) &&
           (exchange->drained || stream->ops->quiet(stream));
}

bool aggr_http1_exchange_may_restart(const struct aggr_exchange *exchange)
{
    return exchange->reused && !exchange->replaced && !exchange->reader.heard &&
           (!exchange->sent || aggr_http1_idempotent(exchange->request->method));
}

enum aggr_phase aggr_http1_exchange_phase(const struct aggr_exchange *exchange)
{
    struct aggr_stream *stream = exchange->connection->stream;
    if (!exchange->begun)
        return stream->ops->phase(stream);
    if (exchange->answered)
        return AGGR_PHASE_WRITE;
    if (aggr_http1_reader_in_body(&exchange->reader))
        return AGGR_PHASE_BODY;
    bool stuck = exchange->reader.heard && exchange->unsendable;
    return stuck || aggr_http1_exchange_is_sent(exchange) ? AGGR_PHASE_WAIT : AGGR_PHASE_WRITE;
}

void aggr_http1_exchange_closed(struct aggr_exchange *exchange)
{
    const char *what = exchange->reset ? "connection reset" : "connection closed";
    enum aggr_phase phase = aggr_http1_exchange_phase(exchange);
    aggr_failure_set(&exchange->reader.failure, AGGR_ERR_CONNECT, phase, "%s %s", what,
                     phase == AGGR_PHASE_WRITE ? "while the request was sent"
                                               : "before the first byte");
}
