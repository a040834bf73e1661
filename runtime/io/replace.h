/* replace.h -- a file that is replaced as a whole or not at all. Blocking: for offload's threads.
 *
 * Owns the descriptor and a temporary file beside the target. A target that is not a regular file
 * (a pipe, a device) is written straight; there commit and keep only close.
 *
 *   open -> (write to fd) -> commit | keep | discard
 */
#pragma once

struct aggr_replace {
    int fd;       /* owned; -1 when not open */
    char *target; /* owned; symbolic links resolved */
    char *temp;   /* owned; NULL when the target is written straight */
};

/* All return 0 or an errno. open leaves {-1} behind when it fails; the others close in any case. */
int aggr_replace_open(struct aggr_replace *file, const char *path);

/* Flush to disk and put in the target's place. On failure the temporary is kept as keep does. */
int aggr_replace_commit(struct aggr_replace *file);

/* Leave what was written as "<target>.partial". */
int aggr_replace_keep(struct aggr_replace *file);

void aggr_replace_discard(struct aggr_replace *file);

/* Writes it all, over interruptions and on non-blocking descriptors too. */
int aggr_replace_write(int fd, const char *bytes, unsigned long len);
