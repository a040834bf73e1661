/* hang_lookup.c -- preloaded, it makes the look-up of "hangs.test" take half a minute. */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    int (*original)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&original = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node && strcmp(node, "hangs.test") == 0)
        sleep(30);
    return original(node, service, hints, result);
}
