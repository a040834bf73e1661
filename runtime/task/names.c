#include "task/names.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

struct aggr_name {
    const void *function;
    char text[AGGR_NAME_MAX];
};

void aggr_names_add(struct aggr_names *names, const void *function, const char *name)
{
    if (!function || aggr_names_of(names, function))
        return;
    if (names->count == names->cap) {
        names->cap = names->cap ? names->cap * 2 : 64;
        names->list = aggr_mem_resize(names->list, names->cap, sizeof *names->list);
    }
    struct aggr_name *added = &names->list[names->count++];
    added->function = function;
    snprintf(added->text, sizeof added->text, "%s", name);
}

const char *aggr_names_of(const struct aggr_names *names, const void *function)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i].function == function)
            return names->list[i].text;
    return NULL;
}

void aggr_names_deinit(struct aggr_names *names)
{
    free(names->list);
    *names = (struct aggr_names){0};
}
