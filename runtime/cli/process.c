#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

void aggr_process_prepare(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file over the limit is a failed write */
    static const int modes[] = {O_WRONLY, O_RDONLY,
                                O_RDWR}; /* stdin, stdout: the wrong way round */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", modes[fd]);
}

size_t aggr_process_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    return limit.rlim_cur == RLIM_INFINITY ? 1u << 20 : (size_t)limit.rlim_cur;
}

size_t aggr_process_sockets(size_t descriptors)
{
    enum { KEPT = 24 };
    return descriptors > KEPT + 2 ? descriptors - KEPT : 2;
}

size_t aggr_process_children(size_t descriptors)
{
    enum { SHARE = 16, MOST = 64 };
    size_t count = descriptors / SHARE;
    return count > MOST ? MOST : count > 0 ? count : 1;
}

int aggr_process_on_big_stack(void *(*body)(void *context), void *context)
{
    static const size_t sizes[] = {256u << 20, 64u << 20, 8u << 20}; /* less under ulimit -v */
    int failed = EAGAIN;
    for (size_t i = 0; failed && i < sizeof sizes / sizeof *sizes; i++) {
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, sizes[i]);
        failed = pthread_create(&thread, &attributes, body, context);
        pthread_attr_destroy(&attributes);
        if (!failed)
            pthread_join(thread, NULL);
    }
    return failed;
}
