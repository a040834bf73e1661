#include "vm/worker.h"
#include "base/mem.h"
#include "base/rng.h"
#include "task/cap.h"
#include "task/sched.h"
#include "vm/alloc.h"
#include "vm/loader.h"
#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdlib.h>

struct worker {
    struct aggr_worker worker;
    struct aggr_state state;
    struct aggr_cap cap;
    struct aggr_sched sched; /* of no tasks: whatever would wait is told that it cannot */
};

/* Each state draws numbers of its own. */
static void seed(lua_State *L)
{
    lua_getglobal(L, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushnumber(L, (lua_Number)(aggr_rng_entropy() >> 11));
    lua_call(L, 1, 0);
    lua_pop(L, 1);
}

static int open_all(lua_State *L)
{
    struct worker *self = lua_touserdata(L, 1);
    lua_settop(L, 0);
    lua_gc(L, LUA_GCSTOP, 0);
    luaL_openlibs(L);
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    seed(L);
    aggr_loader_open(L, NULL);
    aggr_loader_require(L, "prelude.worker");
    self->worker.run = luaL_ref(L, LUA_REGISTRYINDEX);
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_ON);
    lua_gc(L, LUA_GCRESTART, 0);
    return 0;
}

static void close_state(struct worker *self)
{
    aggr_alloc_close(&self->state);
    self->state = (struct aggr_state){0};
    self->worker.L = NULL;
}

static void open_state(struct worker *self)
{
    self->state.sched = &self->sched;
    self->worker.L = aggr_alloc_open(&self->state);
    if (!self->worker.L || lua_cpcall(self->worker.L, open_all, self) != 0)
        close_state(self);
}

static void *worker_open(void)
{
    struct worker *self = aggr_mem_new(1, sizeof *self);
    open_state(self);
    return self;
}

static void worker_close(void *worker)
{
    close_state(worker);
    free(worker);
}

static void worker_renew(struct aggr_worker *worker)
{
    struct worker *self = (struct worker *)worker;
    close_state(self);
    open_state(self);
}

static size_t worker_bytes(const struct aggr_worker *worker)
{
    return ((const struct worker *)worker)->state.memory.used;
}

static void worker_begin(struct aggr_worker *worker, size_t limit)
{
    struct worker *self = (struct worker *)worker;
    if (limit == 0)
        return;
    if (!self->state.cap)
        aggr_cap_init(&self->cap, worker->L, limit);
    self->state.cap = &self->cap;
    aggr_cap_begin_job(&self->cap, worker->L);
}

static const struct aggr_kill *worker_end(struct aggr_worker *worker)
{
    struct worker *self = (struct worker *)worker;
    return self->state.cap ? aggr_cap_end_job(&self->cap, worker->L) : NULL;
}

const struct aggr_worker_ops aggr_worker_ops = {
    .open = worker_open,
    .close = worker_close,
    .renew = worker_renew,
    .bytes = worker_bytes,
    .begin = worker_begin,
    .end = worker_end,
};
