/* descriptors.h -- which descriptors the process has open.
 *
 * Owns the list. Where there is no /proc it is empty.
 *
 *   {0} -> read -> deinit
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct aggr_descriptor {
    int fd;
    dev_t device;
    ino_t inode;
};

struct aggr_descriptors {
    struct aggr_descriptor *all; /* owned */
    size_t len, cap;
};

/* Instead of what was in `list`. */
void aggr_descriptors_read(struct aggr_descriptors *list);
void aggr_descriptors_add(struct aggr_descriptors *list, const struct aggr_descriptor *descriptor);

/* The same file under the same number. */
bool aggr_descriptors_has(const struct aggr_descriptors *list,
                          const struct aggr_descriptor *descriptor);

/* "/tmp/x", "socket:[123]", "pipe:[123]"; "" when it cannot be told. */
void aggr_descriptors_target(int fd, char *out, size_t cap);

void aggr_descriptors_deinit(struct aggr_descriptors *list);
