/* workload.h -- what multi.c and sockets.c have in common: a number of requests, each with a Lua
 * coroutine that decodes the JSON it gets, and the figures printed at the end.
 *
 *   PROGRAM URL TOTAL CONCURRENCY
 *
 * Owns the Lua state; one workload to a process.
 *
 *   open -> (begin -> answer)... -> close
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct lua_State;

/* One request: in its program's struct, from begin to answer. */
struct workload_call {
    struct lua_State *co; /* suspended in get(url) */
    int anchor;           /* keeps it from the collector */
};

/* Reads the arguments. Ends the process when it cannot. */
void workload_open(int argc, char **argv);

const char *workload_url(void);
long workload_concurrency(void);

/* The next request's coroutine, as far as get(url); false when all have been started. */
bool workload_begin(struct workload_call *call);

/* Hands it its body, `len` bytes borrowed for the call; not `good`: a failed request. */
void workload_answer(struct workload_call *call, bool good, const char *body, size_t len);

/* Whether answers are still wanted. */
bool workload_runs(void);

/* Prints warm_us (CPU per request, those up to the CONCURRENCY-th answer left out) and ok; gives
 * the exit code. */
int workload_close(void);

_Noreturn void workload_die(const char *what);
