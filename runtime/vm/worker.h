/* worker.h -- the lua_State of one of aggr.work's threads: Lua's libraries, the parts of ours that
 * need no loop, and prelude.worker, which runs the jobs.
 *
 * One thread opens it, uses it and closes it. */
#pragma once
#include "bind/work.h"

extern const struct aggr_worker_ops aggr_worker_ops;
