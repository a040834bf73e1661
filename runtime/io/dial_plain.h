/* dial_plain.h -- the dialer of plain TCP and Unix sockets: several addresses race as RFC 8305 has
 * it, 250 ms apart, the families in turn. One watch per socket for the socket's whole life (facts
 * 6). Borrows the loop. */
#pragma once
#include "io/dialer.h"
#include "io/loop.h"

struct aggr_dialer *aggr_dial_plain_new(struct aggr_loop *loop);
