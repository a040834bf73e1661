/* run.h -- one run of a main task on a vm, from its first line until every task has ended.
 *
 * The main task calls the function that the library module `module` returns, with what the caller
 * pushed. Its first result, an integer, is the run's.
 */
#pragma once
#include "base/scope.h"
#include "vm/vm.h"

/* What main says that ended in a way it does not handle itself, in one line. */
struct aggr_run_result {
    int code;       /* main's integer; 70 when it raised */
    char text[512]; /* "" unless it raised */
};

/* Pops `nargs` values from the vm's main thread and passes them to main. Returns when the main task
 * and all others have ended. */
struct aggr_run_result aggr_run_main(struct aggr_vm *vm, const char *module, int nargs);

/* The run is cut short: cancels the root scope (R28). From the loop, at any time; idempotent, does
 * nothing when no run is under way. */
void aggr_run_cancel(struct aggr_vm *vm, enum aggr_reason reason);
