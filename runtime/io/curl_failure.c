/* What curl's result codes mean while it connects: see curl_handle.h. */
#include "io/curl_handle.h"
#include "io/peer.h"
#include <string.h>

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *aggr_curl_handle_words(const struct aggr_curl_handle *handle, CURLcode code)
{
    static const char *const prefixes[] = {"SSL certificate problem: ", "SSL: "};
    const char *text = handle->error;
    if (!*text)
        return curl_easy_strerror(code);
    for (size_t i = 0; i < 2; i++) {
        if (starts_with(text, prefixes[i]))
            text += strlen(prefixes[i]);
    }
    return text;
}

static void set_connect(const struct aggr_curl_handle *handle, CURLcode code,
                        struct aggr_failure *failure)
{
    char peer[AGGR_PEER_NAME];
    long os_errno = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_OS_ERRNO, &os_errno);
    aggr_peer_name(peer, handle->to.route, handle->to.answer);
    aggr_peer_trouble(failure, (int)os_errno, aggr_curl_handle_words(handle, code), peer);
}

static void set_tls(const struct aggr_curl_handle *handle, CURLcode code,
                    struct aggr_failure *failure)
{
    const struct aggr_policy *policy = handle->policy;
    const char *text = aggr_curl_handle_words(handle, code);
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

static void set_proxy(const struct aggr_curl_handle *handle, CURLcode code,
                      struct aggr_failure *failure)
{
    long status = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status >= 300)
        aggr_failure_set(failure, AGGR_ERR_CONNECT, AGGR_PHASE_CONNECT,
                         "the proxy %s:%d answered %ld to CONNECT", handle->to.route->host,
                         handle->to.route->port, status);
    else
        set_connect(handle, code, failure);
}

/* What says the same whether the connection has stood before or not: curl may have begun another
 * for a retry. */
static bool set_certain(const struct aggr_curl_handle *handle, CURLcode code,
                        struct aggr_failure *failure)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        aggr_failure_set(failure, AGGR_ERR_DNS, AGGR_PHASE_DNS, "%s",
                         aggr_curl_handle_words(handle, code));
        return true;
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
        set_tls(handle, code, failure);
        return true;
    case CURLE_COULDNT_CONNECT:
        set_connect(handle, code, failure);
        return true;
    default:
        return false;
    }
}

bool aggr_curl_handle_failure(const struct aggr_curl_handle *handle, CURLcode code,
                              struct aggr_failure *failure)
{
    if (handle->folded) {
        aggr_failure_set(failure, AGGR_ERR_PROTOCOL, AGGR_PHASE_WAIT,
                         "malformed header field: a folded line");
        return true;
    }
    if (set_certain(handle, code, failure))
        return true;
    if (handle->connected)
        return false;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        aggr_failure_set(failure, AGGR_ERR_TIMEOUT, aggr_curl_handle_phase(handle), "no answer");
        return true;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        set_proxy(handle, code, failure);
        return true;
    case CURLE_OUT_OF_MEMORY:
        aggr_failure_set(failure, AGGR_ERR_MEMORY, AGGR_PHASE_CONNECT, "out of memory");
        return true;
    default:
        set_connect(handle, code, failure);
        return true;
    }
}
