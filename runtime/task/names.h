/* names.h -- what functions are called that scripts find in their globals: "os.execute".
 *
 * Owns the texts; the functions are kept alive by whoever adds them. Looking one up is safe in a
 * signal handler.
 *
 *   {0} -> add* -> of* -> deinit
 */
#pragma once
#include <stddef.h>

enum { AGGR_NAME_MAX = 48 };

struct aggr_names {
    struct aggr_name *list; /* owned */
    size_t count, cap;
};

/* `function` as lua_topointer gives it. A second name for one function is dropped. */
void aggr_names_add(struct aggr_names *names, const void *function, const char *name);

/* NULL when it has none. */
const char *aggr_names_of(const struct aggr_names *names, const void *function);

void aggr_names_deinit(struct aggr_names *names);
