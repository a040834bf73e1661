/* native.h -- the transport that speaks HTTP/1.1 itself, on plain connections and on what libcurl
 * dials: TLS, and proxies that let a connection through.
 *
 * Owns its connections and exchanges; borrows the loop. Answer and next request are of the same
 * turn; a reused connection that dies before the first byte of an answer is replaced once. */
#pragma once
#include "io/loop.h"
#include "io/transport.h"

/* Free it through its ops. */
struct aggr_transport *aggr_native_new(struct aggr_loop *loop);

/* Idle connections are closed when there would be more than `sockets_max`; at first there may be
 * any number. */
void aggr_native_limit(struct aggr_transport *self, unsigned sockets_max);
