/* process.h -- what belongs to the process as a whole: standard descriptors, the limit of open
 * files, the big stack. */
#pragma once
#include <stddef.h>

/* Open files without which no run gets anywhere: standard ones, loop, threads, one request. */
enum { AGGR_PROCESS_DESCRIPTORS_LEAST = 16 };

/* First thing in main: SIGPIPE and SIGXFSZ are ignored, and closed standard descriptors are filled
 * with ones whose use fails, so that no socket can become "stdout" by accident. */
void aggr_process_prepare(void);

/* Raises the soft limit of open files to the hard one. Returns what is allowed now. */
size_t aggr_process_raise_descriptors(void);

/* How many of `descriptors` open files may be sockets of requests: the loop, look-ups and the
 * script's own files need some. At least 2. */
size_t aggr_process_sockets(size_t descriptors);

/* How many programs may run beside us: each takes three of `descriptors`. At least 1. */
size_t aggr_process_children(size_t descriptors);

/* Runs `body(context)` on a thread with a 256 MB stack, where deep recursion through C is an
 * ordinary Lua error (facts 22), and waits for its end. Returns 0, or an errno. */
int aggr_process_on_big_stack(void *(*body)(void *context), void *context);
