#include "base/mem.h"
#include "base/err.h"
#include <stdint.h>
#include <string.h>

void *aggr_mem_new(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    AGGR_CHECK(memory != NULL);
    return memory;
}

void *aggr_mem_resize(void *memory, size_t count, size_t size)
{
    AGGR_CHECK(size && count && count <= SIZE_MAX / size);
    void *moved = realloc(memory, count * size);
    AGGR_CHECK(moved != NULL);
    return moved;
}

char *aggr_mem_strdup(const char *text)
{
    char *copy = strdup(text);
    AGGR_CHECK(copy != NULL);
    return copy;
}
