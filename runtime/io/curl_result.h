/* curl_result.h -- what curl's result codes mean, in words. For curl_exchange.c alone. */
#pragma once
#include "io/curl_exchange.h"

/* Sets `failure` from `code`; nothing for CURLE_OK. */
void aggr_curl_result(struct aggr_exchange *exchange, CURLcode code, struct aggr_failure *failure);
