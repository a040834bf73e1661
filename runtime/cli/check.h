/* check.h -- `aggr check`: what is wrong with scripts, found without running them. */
#pragma once

/* argv without "aggr check". Returns the exit code. */
int aggr_check_command(int argc, char **argv);
