/* help.h -- what `aggr help` prints, made from the tables of commands and flags. */
#pragma once
#include <stdio.h>

/* `command` NULL: the overview. Returns 0, or AGGR_EXIT_USAGE after complaining of an unknown one.
 */
int aggr_help(FILE *out, const char *command);

/* Complains of a command that is none, with a suggestion. Returns AGGR_EXIT_USAGE. */
int aggr_help_unknown_command(const char *typed);
