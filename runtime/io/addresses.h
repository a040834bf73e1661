/* addresses.h -- the socket addresses that a route leads to, in the order to try them. Plain data.
 */
#pragma once
#include "io/lookup.h"
#include "io/policy.h"
#include <netinet/in.h>
#include <sys/un.h>

enum { AGGR_ADDRESSES_MAX = 16 };

union aggr_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
};

/* Fills `out`; the families in turn, the first one's first (RFC 8305 section 4). Returns how many
 * there are. */
unsigned aggr_addresses(union aggr_address out[AGGR_ADDRESSES_MAX], const struct aggr_route *route,
                        const struct aggr_answer *answer);

socklen_t aggr_address_len(const union aggr_address *address);
