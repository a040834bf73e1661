#include "vm/alloc.h"
#include "task/state.h"
#include <stdlib.h>

void *aggr_alloc(void *state, void *block, size_t old_size, size_t new_size)
{
    struct aggr_state *counts = state;
    if (new_size == 0) {
        free(block);
        counts->bytes -= old_size;
        return NULL;
    }
    void *moved = realloc(block, new_size);
    if (!moved)
        return NULL;
    counts->bytes += new_size - (block ? old_size : 0);
    if (counts->bytes > counts->peak_bytes)
        counts->peak_bytes = counts->bytes;
    return moved;
}
