#include "io/curl_result.h"
#include "io/peer.h"
#include <string.h>

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* curl's own words without their prefixes, or its name for the code. */
static const char *words(const struct aggr_exchange *exchange, CURLcode code)
{
    static const char *const prefixes[] = {"SSL certificate problem: ", "SSL: "};
    const char *text = exchange->error;
    if (!*text)
        return curl_easy_strerror(code);
    for (size_t i = 0; i < 2; i++) {
        if (starts_with(text, prefixes[i]))
            text += strlen(prefixes[i]);
    }
    return text;
}

static void set_connect(struct aggr_exchange *exchange, CURLcode code, struct aggr_failure *failure)
{
    const struct aggr_exchange_request *request = exchange->request;
    char peer[AGGR_PEER_NAME];
    long os_errno = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &os_errno);
    aggr_peer_name(peer, request->route, request->answer);
    aggr_peer_trouble(failure, (int)os_errno, words(exchange, code), peer);
}

static void set_tls(struct aggr_exchange *exchange, CURLcode code, struct aggr_failure *failure)
{
    const struct aggr_policy *policy = exchange->policy;
    const char *text = words(exchange, code);
    if (code == CURLE_SSL_CACERT_BADFILE)
        aggr_failure_set(failure, AGGR_ERR_TLS, AGGR_PHASE_TLS,
                         "cannot read the certificate authorities in %s",
                         policy->ca ? policy->ca : "the system's file");
    else if (code == CURLE_SSL_CERTPROBLEM)
        aggr_failure_set(failure, AGGR_ERR_TLS, AGGR_PHASE_TLS,
                         "cannot use the client certificate: %s", text);
    else
        aggr_failure_set(failure, AGGR_ERR_TLS, AGGR_PHASE_TLS, "%s", text);
}

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
    const char *text = words(exchange, code);
    if (code == CURLE_OUT_OF_MEMORY)
        text = "a response header line over 100 KiB";
    aggr_failure_set(failure, AGGR_ERR_PROTOCOL, aggr_exchange_phase(exchange), "%s", text);
}

static void set_proxy(struct aggr_exchange *exchange, CURLcode code, struct aggr_failure *failure)
{
    long status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status >= 300)
        aggr_failure_set(failure, AGGR_ERR_CONNECT, AGGR_PHASE_CONNECT,
                         "the proxy %s:%d answered %ld to CONNECT", exchange->request->route->host,
                         exchange->request->route->port, status);
    else
        set_connect(exchange, code, failure);
}

void aggr_curl_result(struct aggr_exchange *exchange, CURLcode code, struct aggr_failure *failure)
{
    switch (code) {
    case CURLE_OK:
        return;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        aggr_failure_set(failure, AGGR_ERR_DNS, AGGR_PHASE_DNS, "%s", words(exchange, code));
        return;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        set_tls(exchange, code, failure);
        return;
    case CURLE_COULDNT_CONNECT: /* perhaps a second time: see on_connected in curl_exchange.c */
        set_connect(exchange, code, failure);
        return;
    case CURLE_OPERATION_TIMEDOUT:
        aggr_failure_set(failure, AGGR_ERR_TIMEOUT, aggr_exchange_phase(exchange), "no answer");
        return;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        if (exchange->connected)
            set_broken(exchange, code, failure);
        else
            set_proxy(exchange, code, failure);
        return;
    case CURLE_OUT_OF_MEMORY:
        if (exchange->connected && !exchange->head_done)
            set_protocol(exchange, code, failure);
        else
            aggr_failure_set(failure, AGGR_ERR_MEMORY, AGGR_PHASE_CONNECT, "out of memory");
        return;
    default:
        if (exchange->connected)
            set_protocol(exchange, code, failure);
        else
            set_connect(exchange, code, failure);
    }
}
