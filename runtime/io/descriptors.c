#include "io/descriptors.h"
#include "base/mem.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void aggr_descriptors_add(struct aggr_descriptors *list, const struct aggr_descriptor *descriptor)
{
    if (list->len == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 32;
        list->all = aggr_mem_resize(list->all, list->cap, sizeof *list->all);
    }
    list->all[list->len++] = *descriptor;
}

void aggr_descriptors_read(struct aggr_descriptors *list)
{
    list->len = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        struct stat status;
        int fd = entry->d_name[0] == '.' ? -1 : (int)strtol(entry->d_name, NULL, 10);
        if (fd < 0 || fd == dirfd(folder) || fstat(fd, &status) != 0)
            continue;
        struct aggr_descriptor descriptor = {fd, status.st_dev, status.st_ino};
        aggr_descriptors_add(list, &descriptor);
    }
    closedir(folder);
}

bool aggr_descriptors_has(const struct aggr_descriptors *list,
                          const struct aggr_descriptor *descriptor)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->all[i].fd == descriptor->fd)
            return list->all[i].device == descriptor->device &&
                   list->all[i].inode == descriptor->inode;
    return false;
}

void aggr_descriptors_target(int fd, char *out, size_t cap)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(path, out, cap - 1);
    out[len > 0 ? len : 0] = '\0';
}

void aggr_descriptors_deinit(struct aggr_descriptors *list)
{
    free(list->all);
    *list = (struct aggr_descriptors){0};
}
