/* curl_multi.h -- the transport over libcurl. No curl type shows here.
 *
 * Owns its multi handles, easy handles and sockets; borrows the loop.
 * Everything curl calls back appends and takes note, nothing else (facts 4).
 */
#pragma once
#include "io/loop.h"
#include "io/transport.h"

/* Free it through its ops. The first one initialises libcurl for the process, which takes as long
 * as the rest of a start: a run that fetches nothing is spared it. (libcurl locks that since 7.84.)
 * No more than `in_flight_max` exchanges run at once; connections kept for reuse are closed when
 * `sockets_max` (0: any number) would not do for another. */
struct aggr_transport *aggr_curl_new(struct aggr_loop *loop, unsigned in_flight_max,
                                     unsigned sockets_max);
