/* mem.h -- small bookkeeping allocations, which the process cannot go on without.
 *
 * What the outside world sizes (bodies, headers, scripts) does not come from here: it goes through
 * base/buf, which can fail cleanly.
 */
#pragma once
#include <stddef.h>

/* Zeroed memory for `count` objects of `size` bytes, owned by the caller; free(3) it. Never NULL.
 */
void *aggr_mem_new(size_t count, size_t size);

/* `memory` (owned, NULL at first) moved to where `count` objects fit; the new ones are not zeroed.
 * Never NULL. */
void *aggr_mem_resize(void *memory, size_t count, size_t size);

/* A copy of `text`, owned by the caller; free(3) it. Never NULL. */
char *aggr_mem_strdup(const char *text);
