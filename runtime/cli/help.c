#include "cli/help.h"

#include "cli/complain.h"
#include "cli/flags.h"
#include "cli/suggest.h"

#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *synopsis, *summary;
} commands[] = {
    {"run", "aggr run [options] SCRIPT [args...]",
     "run a script and print what it returns as JSON"},
    {"check", "aggr check [options] SCRIPT...",
     "find what is wrong with scripts without running them"},
    {"version", "aggr version", "print the version"},
    {"help", "aggr help [COMMAND]", "explain a command"},
};

enum { COMMANDS = sizeof commands / sizeof *commands, COLUMN = 30 };

static const char EXIT_CODES[] =
    "Exit codes:\n"
    "  0 complete                             5 a gate failed (--max-stall)\n"
    "  1 the script is wrong                  6 the run's deadline passed\n"
    "  2 the command line or a setting is     8 output could not be written\n"
    "  3 partial: a source has failed         70 a bug in aggr, --hard-stall, or --audit\n"
    "  4 failed                                  found something left\n"
    " 10 over --max-memory                    129, 130, 143 interrupted\n";

static void print_flag(FILE *out, const struct aggr_flag *flag)
{
    char left[80], name[AGGR_FLAG_ENV_MAX];
    bool may = flag->type == AGGR_FLAG_MODE;
    snprintf(left, sizeof left, "%s%c%s--%s%s%s%s", flag->letter ? "-" : "  ",
             flag->letter ? flag->letter : ' ', flag->letter ? ", " : " ", flag->name,
             may           ? "[="
             : flag->value ? " "
                           : "",
             flag->value ? flag->value : "", may ? "]" : "");
    fprintf(out, "  %-*s%s%s", COLUMN, left,
            strlen(left) < COLUMN ? "" : "\n                                ", flag->help);
    if (flag->in_environment) {
        aggr_flag_env(flag, name);
        fprintf(out, " [%s]", name);
    }
    fputc('\n', out);
}

static void print_flags(FILE *out, const struct aggr_flag *flags)
{
    for (const struct aggr_flag *flag = flags; flag->name; flag++)
        print_flag(out, flag);
}

static void help_check(FILE *out)
{
    fprintf(out,
            "Usage: aggr check [options] SCRIPT...\n\n"
            "Finds mistakes in Lua scripts without running them or asking anybody. SCRIPT may be - "
            "(stdin).\n\nOptions, and the environment variables that give them:\n");
    print_flags(out, aggr_check_flags);
    fprintf(
        out,
        "\nFindings:\n"
        "  syntax             not Lua\n"
        "  undefined-global   a global that nothing defines is read\n"
        "  assigned-global    a function assigns a global, a 'local' is missing\n"
        "  unknown-option     an option that the called function of aggr does not have\n"
        "  blocking-call      a call that stops every task of the run\n"
        "  unbounded-spawn    g:spawn in a loop that may start any number of tasks\n"
        "  no-deadline        a request of the main chunk may take any time\n"
        "  over-budget        rounds, retries and time-outs do not fit into the deadline\n"
        "\nA comment '-- aggr: allow CODE' on the line of a finding allows it.\n\n"
        "Exit codes: 0 nothing found, 1 findings, 2 the command line is wrong or a script cannot "
        "be read,\n            8 output could not be written\n");
}

static void help_run(FILE *out)
{
    fprintf(out,
            "Usage: aggr run [options] SCRIPT [args...]\n"
            "       aggr run [options] -e CODE [args...]\n\n"
            "Runs a Lua script and prints what it returns as JSON on stdout; everything else goes "
            "to stderr.\n"
            "SCRIPT may be - (stdin). Options may stand before or after it; what follows -- goes "
            "to the script.\n\n"
            "Options, and the environment variables that give them:\n");
    print_flags(out, aggr_flags);
    fprintf(out,
            "\nDurations are seconds or 200ms, 2s, 5m; sizes are bytes or 64KiB, 10MiB. "
            "AGGR_SET_<KEY> gives a setting its value.\n"
            "'aggr run --help SCRIPT' lists the settings of a script.\n\n%s",
            EXIT_CODES);
}

static void help_overview(FILE *out)
{
    fprintf(out, "aggr " AGGR_VERSION ": asks many APIs at once, from a Lua script.\n\nUsage:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-38s %s\n", commands[i].synopsis, commands[i].summary);
    fprintf(out, "\nTry:\n  aggr run -e 'return aggr.fetch(\"http://127.0.0.1:9000/\"):json()'\n");
}

int aggr_help_unknown_command(const char *typed)
{
    struct aggr_suggestion suggestion = {.wanted = typed};
    for (size_t i = 0; i < COMMANDS; i++)
        aggr_suggest_offer(&suggestion, commands[i].name);
    if (suggestion.nearest)
        return aggr_complain("unknown command '%s', did you mean '%s'?", typed, suggestion.nearest);
    if (strchr(typed, '.') || access(typed, F_OK) == 0)
        return aggr_complain("unknown command '%s', did you mean 'aggr run %s'?", typed, typed);
    return aggr_complain("unknown command '%s' ('aggr help' lists them)", typed);
}

int aggr_help(FILE *out, const char *command)
{
    if (!command) {
        help_overview(out);
        return 0;
    }
    if (strcmp(command, "run") == 0) {
        help_run(out);
        return 0;
    }
    if (strcmp(command, "check") == 0) {
        help_check(out);
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(command, commands[i].name) != 0)
            continue;
        fprintf(out, "Usage: %s\n\n%s\n", commands[i].synopsis, commands[i].summary);
        return 0;
    }
    return aggr_help_unknown_command(command);
}
