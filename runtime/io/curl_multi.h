/* curl_multi.h -- the transport over libcurl. No curl type shows here.
 *
 * Owns its multi handles, easy handles and sockets; borrows the loop.
 * Everything curl calls back appends and takes note, nothing else (facts 4).
 */
#pragma once
#include "io/loop.h"
#include "io/transport.h"

/* Free it through its ops. NULL: libcurl cannot be loaded, see `failure`.
 * No more than `in_flight_max` exchanges run at once; connections kept for reuse are closed when
 * `sockets_max` (0: any number) would not do for another. */
struct aggr_transport *aggr_curl_new(struct aggr_loop *loop, unsigned in_flight_max,
                                     unsigned sockets_max, struct aggr_failure *failure);
