#include "io/replace.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *a, const char *b)
{
    char *text = aggr_mem_new(strlen(a) + strlen(b) + 1, 1);
    strcpy(text, a);
    return strcat(text, b);
}

/* What a plain open(2) with mode 0666 would give. Read from the kernel, since umask(2) can only be
 * read by setting it, which other threads would see. */
static mode_t default_mode(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    char line[128];
    unsigned mask = 022;
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "Umask: %o", &mask) == 1)
            break;
    if (status)
        fclose(status);
    return 0666 & ~(mode_t)mask;
}

/* `path`, or where it leads in the end when it is a link to a file that is yet to be made. */
static char *follow(const char *path)
{
    char *at = aggr_mem_strdup(path), link[PATH_MAX];
    enum { MOST = 40 }; /* the kernel's own limit */
    for (int hops = 0; hops < MOST; hops++) {
        ssize_t len = readlink(at, link, sizeof link - 1);
        if (len < 0)
            break;
        link[len] = '\0';
        char *slash = link[0] == '/' ? NULL : strrchr(at, '/');
        if (slash)
            slash[1] = '\0';
        char *next = join(slash ? at : "", link);
        free(at);
        at = next;
    }
    return at;
}

static int open_beside(struct aggr_replace *file, mode_t mode)
{
    file->temp = join(file->target, ".aggr-XXXXXX");
    file->fd = mkostemp(file->temp, O_CLOEXEC);
    if (file->fd < 0) {
        int failed = errno;
        aggr_replace_discard(file);
        return failed;
    }
    (void)!fchmod(file->fd, mode);
    return 0;
}

static int open_straight(struct aggr_replace *file, const char *path)
{
    file->target = aggr_mem_strdup(path);
    file->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    int failed = file->fd < 0 ? errno : 0;
    if (failed)
        aggr_replace_discard(file);
    return failed;
}

/* stat(2) comes first: /dev/stdout leads to a pipe that has no path for realpath(3) to find. */
int aggr_replace_open(struct aggr_replace *file, const char *path)
{
    *file = (struct aggr_replace){.fd = -1};
    char resolved[PATH_MAX];
    struct stat status;
    if (stat(path, &status) != 0) {
        if (errno != ENOENT)
            return errno;
        file->target = follow(path);
        return open_beside(file, default_mode());
    }
    if (!S_ISREG(status.st_mode) || !realpath(path, resolved))
        return open_straight(file, path);
    file->target = aggr_mem_strdup(resolved);
    return open_beside(file, status.st_mode & 0777);
}

static int close_file(struct aggr_replace *file)
{
    int failed = file->fd >= 0 && close(file->fd) != 0 && errno != EINTR ? errno : 0;
    file->fd = -1;
    return failed;
}

static void release(struct aggr_replace *file)
{
    free(file->target);
    free(file->temp);
    *file = (struct aggr_replace){.fd = -1};
}

static void sync_directory(const char *target)
{
    char *copy = aggr_mem_strdup(target);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
    free(copy);
}

int aggr_replace_commit(struct aggr_replace *file)
{
    int failed = 0;
    if (file->temp && fsync(file->fd) != 0)
        failed = errno;
    int closed = close_file(file);
    failed = failed ? failed : closed;
    if (!failed && file->temp && rename(file->temp, file->target) != 0)
        failed = errno;
    if (failed) {
        aggr_replace_keep(file);
        return failed;
    }
    if (file->temp)
        sync_directory(file->target);
    release(file);
    return 0;
}

int aggr_replace_keep(struct aggr_replace *file)
{
    int failed = close_file(file);
    if (file->temp) {
        char *partial = join(file->target, ".partial");
        if (rename(file->temp, partial) != 0)
            failed = errno;
        free(partial);
    }
    release(file);
    return failed;
}

void aggr_replace_discard(struct aggr_replace *file)
{
    if (file->fd >= 0)
        close_file(file);
    if (file->temp)
        unlink(file->temp);
    release(file);
}

int aggr_replace_write(int fd, const char *bytes, unsigned long len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written >= 0) {
            bytes += written;
            len -= (size_t)written;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}
