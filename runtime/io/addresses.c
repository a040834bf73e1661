#include "io/addresses.h"
#include <arpa/inet.h>
#include <string.h>

static bool parse(union aggr_address *out, const char *text, size_t len, int port)
{
    char address[INET6_ADDRSTRLEN];
    if (len > 2 && *text == '[')
        text++, len -= 2;
    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    *out = (union aggr_address){0};
    if (inet_pton(AF_INET, address, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons((uint16_t)port);
        return true;
    }
    if (inet_pton(AF_INET6, address, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        return true;
    }
    return false;
}

/* The next of `count` after `from` whose family is, or is not, `family`; `count` when there is
 * none. */
static unsigned find(const union aggr_address *all, unsigned from, unsigned count, int family,
                     bool same)
{
    while (from < count && (all[from].any.sa_family == family) != same)
        from++;
    return from;
}

static void interleave(union aggr_address *out, const union aggr_address *given, unsigned count)
{
    int family = given[0].any.sa_family;
    unsigned first = 0, second = find(given, 0, count, family, false);
    for (unsigned len = 0; len < count;) {
        if (first < count) {
            out[len++] = given[first];
            first = find(given, first + 1, count, family, true);
        }
        if (second < count) {
            out[len++] = given[second];
            second = find(given, second + 1, count, family, false);
        }
    }
}

unsigned aggr_addresses(union aggr_address out[AGGR_ADDRESSES_MAX], const struct aggr_route *route,
                        const struct aggr_answer *answer)
{
    if (route->unix_socket) {
        *out = (union aggr_address){.path.sun_family = AF_UNIX};
        strncpy(out->path.sun_path, route->unix_socket, sizeof out->path.sun_path - 1);
        return 1;
    }
    const char *list = route->address ? route->address : answer->addresses;
    if (!strchr(list, ','))
        return parse(out, list, strlen(list), route->port);
    union aggr_address given[AGGR_ADDRESSES_MAX];
    unsigned count = 0;
    while (*list && count < AGGR_ADDRESSES_MAX) {
        size_t len = strcspn(list, ",");
        count += parse(&given[count], list, len, route->port);
        list += len + (list[len] == ',');
    }
    if (count > 0)
        interleave(out, given, count);
    return count;
}

socklen_t aggr_address_len(const union aggr_address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return sizeof address->v4;
    case AF_INET6:
        return sizeof address->v6;
    default:
        return sizeof address->path;
    }
}
