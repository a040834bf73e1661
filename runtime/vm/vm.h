/* vm.h -- a lua_State with our allocator, core modules, embedded library and prelude.
 *
 * Owns the state and its scheduler; borrows the runtime. Library modules run in a private
 * environment that keeps the original globals; scripts see _G, where the prelude has put its own.
 *
 *   new -> (run) -> free (tasks that are left are ended, then lua_close, on every way out)
 */
#pragma once
#include "base/err.h"
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct aggr_runtime;
struct aggr_vm;
struct aggr_watchdog_options;

/* An extra core module that a program adds to the built-in ones ("aggr.testing"): open leaves its
 * table. */
struct aggr_vm_module {
    const char *name; /* a list of them ends with NULL */
    lua_CFunction open;
};

/* `extra` may be NULL. NULL with `why` filled when the prelude cannot be loaded. */
struct aggr_vm *aggr_vm_new(struct aggr_runtime *runtime, const struct aggr_vm_module *extra,
                            struct aggr_failure *why);
void aggr_vm_free(struct aggr_vm *vm);

/* From now on tasks can be killed in compiled loops too (task/interrupt.h). False when another vm
 * of the process has that. */
bool aggr_vm_make_interruptible(struct aggr_vm *vm);

/* Has the tasks watched from now on (task/watchdog.h), from the thread that runs them; the vm has
 * been made interruptible. False when there is no thread for it. */
bool aggr_vm_watch(struct aggr_vm *vm, const struct aggr_watchdog_options *options);

/* From now on its tasks may use so many bytes (task/cap.h); the vm has been made interruptible. Not
 * during a run. */
void aggr_vm_limit_memory(struct aggr_vm *vm, size_t bytes);

/* The main thread, to push arguments for aggr_run_main. */
lua_State *aggr_vm_lua(struct aggr_vm *vm);
