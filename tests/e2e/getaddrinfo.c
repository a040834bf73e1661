/* A getaddrinfo for tests, put in by LD_PRELOAD. By the end of the name: .hang never answers, .fail
 * has no such name, .slow takes 300 ms and then means 127.0.0.1; all others as usual. Each look-up
 * of these three adds a line to the file that AGGR_LOOKUPS_LOG names. */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static bool ends_in(const char *name, const char *ending)
{
    size_t len = strlen(name), ending_len = strlen(ending);
    return len > ending_len && strcmp(name + len - ending_len, ending) == 0;
}

static void note(const char *name)
{
    char line[300];
    const char *path = getenv("AGGR_LOOKUPS_LOG");
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    int len = snprintf(line, sizeof line, "%.250s\n", name);
    if (write(fd, line, (size_t)len) != len)
        abort();
    close(fd);
}

static int real(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    lookup *next;
    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    return next(name, service, hints, out);
}

int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    const struct timespec slow = {.tv_nsec = 300000000};
    if (!name || !(ends_in(name, ".hang") || ends_in(name, ".fail") || ends_in(name, ".slow")))
        return real(name, service, hints, out);
    note(name);
    if (ends_in(name, ".fail"))
        return EAI_NONAME;
    while (ends_in(name, ".hang"))
        pause();
    nanosleep(&slow, NULL);
    return real("127.0.0.1", service, hints, out);
}
