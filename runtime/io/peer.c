#include "io/peer.h"
#include "io/addresses.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

void aggr_peer_name(char out[AGGR_PEER_NAME], const struct aggr_route *route,
                    const struct aggr_answer *answer)
{
    const char *address = route->address;
    if (route->unix_socket) {
        snprintf(out, AGGR_PEER_NAME, "%s", route->unix_socket);
        return;
    }
    if (!address && answer)
        address = answer->addresses;
    if (!address)
        address = route->host;
    const char *who = route->proxy ? "the proxy " : "";
    bool v6 = strchr(address, ':') && *address != '[';
    if (strchr(address, ','))
        snprintf(out, AGGR_PEER_NAME, "%s%s:%d (%s)", who, route->host, route->port, address);
    else
        snprintf(out, AGGR_PEER_NAME, "%s%s%s%s:%d", who, v6 ? "[" : "", address, v6 ? "]" : "",
                 route->port);
}

static const char *connect_trouble(int os_errno)
{
    switch (os_errno) {
    case ECONNREFUSED:
        return "connection refused by";
    case ENETUNREACH:
    case EHOSTUNREACH:
        return "no route to";
    case ETIMEDOUT:
        return "no answer from";
    case ECONNRESET:
        return "connection reset by";
    case ENOENT:
        return "there is no socket";
    case EMFILE:
    case ENFILE:
        return "no file descriptor left to connect to";
    default:
        return NULL;
    }
}

void aggr_peer_trouble(struct aggr_failure *failure, int os_errno, const char *words,
                       const char *peer)
{
    const char *trouble = connect_trouble(os_errno);
    if (trouble)
        aggr_failure_set(failure, AGGR_ERR_CONNECT, AGGR_PHASE_CONNECT, "%s %s", trouble, peer);
    else
        aggr_failure_set(failure, AGGR_ERR_CONNECT, AGGR_PHASE_CONNECT, "cannot connect to %s: %s",
                         peer, words);
}

void aggr_peer_address(int fd, char *out, size_t cap)
{
    union aggr_address peer = {0};
    socklen_t len = sizeof peer;
    char text[INET6_ADDRSTRLEN] = "";
    *out = '\0';
    if (fd < 0 || getpeername(fd, &peer.any, &len) != 0)
        return;
    if (peer.any.sa_family == AF_INET)
        snprintf(out, cap, "%s:%d", inet_ntop(AF_INET, &peer.v4.sin_addr, text, sizeof text),
                 ntohs(peer.v4.sin_port));
    else if (peer.any.sa_family == AF_INET6)
        snprintf(out, cap, "[%s]:%d", inet_ntop(AF_INET6, &peer.v6.sin6_addr, text, sizeof text),
                 ntohs(peer.v6.sin6_port));
    else
        snprintf(out, cap, "%s", peer.path.sun_path);
}
