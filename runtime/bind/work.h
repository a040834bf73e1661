/* work.h -- the core module aggr.core.work (its functions are listed at the head of work.c), and
 * what it needs of the floor above: a lua_State for each of its threads. */
#pragma once
#include <lua.h>

struct aggr_kill;
struct aggr_state;

/* What a thread keeps for its jobs. */
struct aggr_worker {
    lua_State *L; /* NULL: there was no memory for it */
    int run;      /* registry reference: the function of prelude.worker */
};

/* Each for the worker's own thread. */
struct aggr_worker_ops {
    void *(*open)(void); /* a struct aggr_worker */
    void (*close)(void *worker);
    void (*renew)(struct aggr_worker *worker); /* a new state in place of the old one */
    size_t (*bytes)(const struct aggr_worker *worker);
    /* A job may use `limit` bytes, its state's included; 0: any number. end: what it was left for
     * because it has used more; NULL: it was not. */
    void (*begin)(struct aggr_worker *worker, size_t limit);
    const struct aggr_kill *(*end)(struct aggr_worker *worker);
};

int aggr_bind_work(lua_State *L);

/* The state ends: what it has abandoned is nobody's from now on. */
void aggr_bind_work_end(struct aggr_state *state);
