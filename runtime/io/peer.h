/* peer.h -- the other end of a connection, and a failed one, put into words. */
#pragma once
#include "io/lookup.h"
#include "io/policy.h"

enum { AGGR_PEER_NAME = 120 };

/* "127.0.0.1:9", "api.test:80 (192.0.2.1,192.0.2.2)", "the proxy ...", "/run/socket". `answer` may
 * be NULL. */
void aggr_peer_name(char out[AGGR_PEER_NAME], const struct aggr_route *route,
                    const struct aggr_answer *answer);

/* Kind connect: what `os_errno` means on the way to the peer of that name; `words` when that is
 * nothing in particular. */
void aggr_peer_trouble(struct aggr_failure *failure, int os_errno, const char *words,
                       const char *peer);

/* The address that the socket `fd` is connected to, "127.0.0.1:80" or a path; "" when to none. */
void aggr_peer_address(int fd, char *out, size_t cap);
