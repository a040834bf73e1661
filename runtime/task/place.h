/* place.h -- where in a script a coroutine is: the innermost line that is not the library's, and
 * the function that it has called, or that it stands in.
 *
 * Found without allocating and kept in fixed texts, so that a signal handler may do it.
 */
#pragma once
#include "task/names.h"
#include "task/vmstate.h"
#include <lua.h>
#include <stdbool.h>

enum { AGGR_PLACE_MAX = 200 };

struct aggr_place {
    char where[AGGR_PLACE_MAX]; /* "file:line" */
    char called[AGGR_NAME_MAX]; /* "os.execute", "parse"; "" when it has no name */
};

/* False, with `called` for a tail call, when there is no line of a script on the stack of `co`. In
 * a hook
 * (`vm` NULL), or in a signal handler while a C function of `co`'s runs. */
bool aggr_place_find(struct aggr_place *place, const struct aggr_names *names,
                     const struct aggr_vmstate *vm, lua_State *co);

/* The running function is a C function that was called from C: by a script's tail call, whose line
 * is not known any more. */
bool aggr_place_is_tail_call(lua_State *co);

/* Seen from the outside: the two are one line. */
bool aggr_place_equal(const struct aggr_place *a, const struct aggr_place *b);
