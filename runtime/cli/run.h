/* run.h -- `aggr run`: one script, from its options to the exit code. */
#pragma once

/* argv without "aggr run". Returns the exit code. */
int aggr_run_command(int argc, char **argv);
