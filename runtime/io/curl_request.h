/* curl_request.h -- the options of an easy handle that differ from one request to the next, but for
 * those of the connection: see curl_handle.h. For curl_exchange.c alone.
 */
#pragma once
#include "io/curl_exchange.h"

/* Sets what differs from the handle's last request. What curl borrows lives in `exchange`. */
enum aggr_err aggr_curl_request(struct aggr_exchange *exchange);
