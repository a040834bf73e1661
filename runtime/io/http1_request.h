/* http1_request.h -- the head of an HTTP/1.1 request in bytes (RFC 9112 section 3). Plain data. */
#pragma once
#include "base/buf.h"
#include "io/transport.h"

/* In place of what `out` held. AGGR_ERR_MEMORY leaves it empty. */
enum aggr_err aggr_http1_request(struct aggr_buf *out, const struct aggr_exchange_request *request);

/* May a server that has perhaps had it be sent it again? RFC 9110 section 9.2.2. */
bool aggr_http1_idempotent(const char *method);
