/* curl_multi.h -- the transport over libcurl. No curl type shows here.
 *
 * Owns its multi handles, easy handles and sockets; borrows the loop.
 * Everything curl calls back appends and takes note, nothing else (facts 4).
 */
#pragma once
#include "io/loop.h"
#include "io/transport.h"

/* Once per process, before there are threads. */
enum aggr_err aggr_curl_global_init(void);
void aggr_curl_global_deinit(void);

/* Free it through its ops. */
struct aggr_transport *aggr_curl_new(struct aggr_loop *loop);
