#include "cli/check.h"

#include "cli/complain.h"
#include "cli/flags.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/process.h"
#include "io/runtime.h"
#include "vm/run.h"
#include "vm/vm.h"

#include <lua.h>
#include <stdlib.h>
#include <string.h>

/* One check, on its own thread from runtime to teardown. No script runs in it, so nothing is ever
 * asked of the network. */
struct session {
    const struct aggr_arguments *arguments; /* borrowed */
    struct aggr_runtime runtime;
    int code;
};

static void check_scripts(struct session *session)
{
    struct aggr_failure why = {0};
    struct aggr_vm *vm = aggr_vm_new(&session->runtime, NULL, &why);
    if (!vm) {
        aggr_complain("cannot start: %s", why.text);
        return;
    }
    aggr_options_push(aggr_vm_lua(vm), session->arguments);
    struct aggr_run_result result = aggr_run_main(vm, "check.main", 1);
    session->code = result.code;
    if (result.text[0])
        aggr_complain("%s", result.text);
    aggr_vm_free(vm);
}

static void *session_body(void *context)
{
    struct session *session = context;
    struct aggr_runtime_options options = {
        .concurrency = 1,
        .sockets = 1,
        .getenv = getenv,
        .seed = aggr_rng_entropy(),
    };
    if (aggr_runtime_init(&session->runtime, &options) != AGGR_OK) {
        aggr_complain("cannot start: the event loop could not be made");
        return NULL;
    }
    check_scripts(session);
    unsigned leaked = aggr_runtime_deinit(&session->runtime);
#ifdef AGGR_LEAKS_FATAL
    AGGR_CHECK(leaked == 0);
#endif
    (void)leaked;
    return NULL;
}

static int check(const struct aggr_arguments *arguments)
{
    struct session session = {.arguments = arguments, .code = AGGR_EXIT_INTERNAL};
    int failed = aggr_process_on_big_stack(session_body, &session);
    if (failed)
        aggr_complain("cannot start: %s", strerror(failed));
    return session.code;
}

int aggr_check_command(int argc, char **argv)
{
    struct aggr_arguments arguments;
    int code = aggr_arguments_parse(&arguments, aggr_check_flags, argc, argv);
    if (code == 0 && arguments.values[aggr_flag_find(aggr_check_flags, "help")])
        code = aggr_help(stdout, "check");
    else if (code == 0 && arguments.rest_count == 0)
        code =
            aggr_complain("check needs a script: aggr check SCRIPT..., or aggr check - for stdin");
    else if (code == 0)
        code = check(&arguments);
    aggr_arguments_deinit(&arguments);
    return code;
}
