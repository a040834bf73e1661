/* aggr: the program. Commands are looked up here; help.c describes them. */
#include "cli/check.h"
#include "cli/complain.h"
#include "cli/help.h"
#include "cli/process.h"
#include "cli/run.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* Flushes what help and version print: a full disk is a failure, a closed pipe is not. */
static int close_stdout(int code)
{
    bool failed = fflush(stdout) != 0 && errno != EPIPE;
    if (failed)
        aggr_complain("cannot write to stdout: %s", strerror(errno));
    return failed ? AGGR_EXIT_OUTPUT : code;
}

int main(int argc, char **argv)
{
    aggr_process_prepare();
    if (argc < 2) {
        aggr_help(stderr, NULL);
        return AGGR_EXIT_USAGE;
    }
    const char *command = argv[1];
    if (strcmp(command, "run") == 0)
        return close_stdout(aggr_run_command(argc - 2, argv + 2));
    if (strcmp(command, "check") == 0)
        return close_stdout(aggr_check_command(argc - 2, argv + 2));
    if (is_one_of(command, "version", "--version") || strcmp(command, "-V") == 0) {
        printf("aggr %s\n", AGGR_VERSION);
        return close_stdout(0);
    }
    if (is_one_of(command, "--help", "-h"))
        return close_stdout(aggr_help(stdout, NULL));
    if (strcmp(command, "help") == 0)
        return close_stdout(aggr_help(stdout, argc > 2 ? argv[2] : NULL));
    return aggr_help_unknown_command(command);
}
