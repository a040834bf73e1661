#include "io/curl_result.h"

/* The peer has gone away, or what it says makes no sense, at some point after the connection stood.
 */
static void set_broken(struct aggr_exchange *exchange, CURLcode code, struct aggr_failure *failure)
{
    bool reset = code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR;
    const char *what = reset ? "connection reset" : "connection closed";
    enum aggr_phase phase = aggr_exchange_phase(exchange);
    if (code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM)
        what = "HTTP/2 stream reset";
    if (exchange->head_done)
        aggr_failure_set(failure, AGGR_ERR_TRUNCATED, phase, "%s inside the body", what);
    else if (exchange->head.len > 0 || exchange->interim > 0)
        aggr_failure_set(failure, AGGR_ERR_TRUNCATED, phase, "%s inside the response head", what);
    else if (phase == AGGR_PHASE_WRITE)
        aggr_failure_set(failure, AGGR_ERR_CONNECT, phase, "%s while the request was sent", what);
    else
        aggr_failure_set(failure, AGGR_ERR_CONNECT, phase, "%s before the first byte", what);
}

static void set_protocol(struct aggr_exchange *exchange, CURLcode code,
                         struct aggr_failure *failure)
{
    const char *text = aggr_curl_handle_words(&exchange->handle, code);
    if (code == CURLE_OUT_OF_MEMORY)
        text = "a response header line over 100 KiB";
    aggr_failure_set(failure, AGGR_ERR_PROTOCOL, aggr_exchange_phase(exchange), "%s", text);
}

void aggr_curl_result(struct aggr_exchange *exchange, CURLcode code, struct aggr_failure *failure)
{
    if (!exchange->handle.folded && code == CURLE_OK)
        return;
    if (aggr_curl_handle_failure(&exchange->handle, code, failure))
        return;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        aggr_failure_set(failure, AGGR_ERR_TIMEOUT, aggr_exchange_phase(exchange), "no answer");
        return;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        set_broken(exchange, code, failure);
        return;
    case CURLE_OUT_OF_MEMORY:
        if (exchange->head_done)
            aggr_failure_set(failure, AGGR_ERR_MEMORY, AGGR_PHASE_CONNECT, "out of memory");
        else
            set_protocol(exchange, code, failure);
        return;
    default:
        set_protocol(exchange, code, failure);
    }
}
