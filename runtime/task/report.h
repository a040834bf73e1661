/* report.h -- what all tasks wait for, when nothing can ever happen again (R27). */
#pragma once
#include <lua.h>
#include <stdbool.h>

struct aggr_sched;

/* The main task's wait ends with an error that lists every waiting line. False when there is no
 * main task that waits. */
bool aggr_report_deadlock(struct aggr_sched *sched);

/* Is this a frame of our own library? `ar` has been filled with "S". */
bool aggr_report_is_library(const lua_Debug *ar);

/* Pushes "file:line" of what aggr_report_line has found. */
void aggr_report_push_place(lua_State *L, const lua_Debug *ar);

/* The innermost line of a script (not of the library) on the stack of `co`, from
 * `level` outwards: fills source, short_src and currentline. False when there is none. */
bool aggr_report_line(lua_State *co, int level, lua_Debug *ar);
