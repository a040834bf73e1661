/* options.h -- a parsed command line as the Lua table that a command's main function takes. */
#pragma once
#include "cli/flags.h"
#include <lua.h>

/* Pushes a table: each option of the command by its name with '_' for '-' (a switch is true, counts
 * and durations are numbers, a list is one, and what was not given is absent), and `args`, the list
 * of the other words. */
void aggr_options_push(lua_State *L, const struct aggr_arguments *arguments);
