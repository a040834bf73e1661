/* complain.h -- what is wrong with the command line, said on stderr in one line. */
#pragma once

enum {
    AGGR_EXIT_OK = 0,
    AGGR_EXIT_USAGE = 2, /* command line, settings */
    AGGR_EXIT_PARTIAL = 3,
    AGGR_EXIT_OUTPUT = 8,
    AGGR_EXIT_INTERNAL = 70,
    AGGR_EXIT_SIGNAL = 128, /* plus the signal's number */
};

/* Prints "aggr: " and the printf-style text; control characters show as '?'. Returns
 * AGGR_EXIT_USAGE. */
int aggr_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
