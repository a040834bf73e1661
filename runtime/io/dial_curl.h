/* dial_curl.h -- the dialer of what takes libcurl to dial: TLS, and proxies that let a connection
 * through (CURLOPT_CONNECT_ONLY; HTTP/1.1 by ALPN). What it is told of a connection is what the
 * transport over libcurl is told. Borrows the loop. */
#pragma once
#include "io/dialer.h"
#include "io/loop.h"

/* NULL: libcurl cannot be loaded, see `failure`. */
struct aggr_dialer *aggr_dial_curl_new(struct aggr_loop *loop, struct aggr_failure *failure);
