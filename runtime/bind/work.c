/* aggr.core.work -- Lua on threads of its own.
 *
 *   start(setup, code, name | nil, ...)   (waits)
 *                 -> true, results... | false, { kind =, message =, ... } | false, message
 *                 setup is prelude.worker's; code is bytecode, or with a name the module that has
 *                 the function.
 *                 Returns a message, and does not wait, when an argument cannot be copied.
 *   late(all)     -> { { where = | nil, seconds =, running = }, ... }
 *                 what was abandoned: what has ended since, or all of it; each is told once
 *   marks(table, list, digits, exact)
 *                        the marks of aggr.array and aggr.object, the metatable of empty lists;
 * large integers' digits, and what makes one of its digits stats()       -> { threads =, running =,
 * queued =, bytes = }
 *
 * In the states of the threads themselves there is nothing but marks to call.
 */
#include "bind/work.h"

#include "base/mem.h"
#include "bind/blocking.h"
#include "bind/parcel.h"
#include "bind/parcel_state.h"
#include "io/offload.h"
#include "io/runtime.h"
#include "task/cap.h"
#include "task/report.h"
#include "task/state.h"
#include "task/task.h"

#include <lauxlib.h>

/* KEPT: what modules and caches may hold between jobs; a state that has more of it begins anew.
 * SPARE: threads beside those of jobs that hang. */
enum { KEPT_BYTES = 64 << 20, STACK_BYTES = 256 << 20, SPARE = 64, LEAVE_MS = 100 };

enum { OWN_ARGUMENTS = 3 }; /* of start, in front of the function's */

/* One call. */
struct work {
    const struct aggr_worker_ops *ops;
    struct aggr_worker *worker;    /* while it runs */
    struct aggr_buf parcel;        /* arguments, then results */
    size_t limit;                  /* of its state's memory; 0: none */
    bool left;                     /* it went over that */
    bool ok;                       /* the results are the function's */
    char why[AGGR_PARCEL_WHY_MAX]; /* "" unless there are no results at all */
    uint64_t ended_ns;
    /* for the loop alone, once abandoned */
    struct aggr_list link; /* in state->abandoned */
    struct aggr_state *state;
    uint64_t abandoned_ns;
    char where[256]; /* "" when no line is known */
    bool ended;
};

static void work_free(void *payload)
{
    struct work *work = payload;
    aggr_list_remove(&work->link);
    aggr_buf_deinit(&work->parcel);
    free(work);
}

/* What was raised may hold what cannot be copied; its words are enough then. */
static bool pack_results(lua_State *L, struct work *work)
{
    bool packed = aggr_parcel_pack(L, 2, lua_gettop(L), "result", &work->parcel, work->why);
    if (packed || work->ok)
        return packed;
    lua_pushnil(L);
    lua_setfield(L, 2, "value");
    aggr_buf_clear(&work->parcel);
    work->why[0] = '\0';
    return aggr_parcel_pack(L, 2, 2, "result", &work->parcel, work->why);
}

static int call(lua_State *L)
{
    struct work *work = lua_touserdata(L, 1);
    lua_settop(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, work->worker->run);
    lua_call(L, aggr_parcel_unpack(L, &work->parcel), LUA_MULTRET);
    aggr_buf_clear(&work->parcel);
    work->ok = lua_toboolean(L, 1);
    pack_results(L, work);
    return 0;
}

/* May raise what a finalizer does. */
static int collect(lua_State *L)
{
    lua_gc(L, LUA_GCCOLLECT, 0);
    return 0;
}

static void tidy(struct work *work)
{
    struct aggr_worker *worker = work->worker;
    lua_settop(worker->L, 0);
    if (work->left) {
        work->ops->renew(worker);
    } else if (work->ops->bytes(worker) > KEPT_BYTES) {
        bool sound = lua_cpcall(worker->L, collect, NULL) == 0;
        if (!sound || work->ops->bytes(worker) > KEPT_BYTES)
            work->ops->renew(worker);
    }
    aggr_offload_weigh(work->ops->bytes(worker));
}

/* { kind =, message =, ... }: see prelude.worker. */
static int pack_kill(lua_State *L)
{
    struct work *work = lua_touserdata(L, 1);
    const struct aggr_kill *kill = lua_touserdata(L, 2);
    const char *const fields[][2] = {{"kind", aggr_err_kind(kill->kind)},
                                     {"message", kill->message},
                                     {"hint", kill->hint},
                                     {"where", kill->where},
                                     {"traceback", kill->traceback}};
    lua_settop(L, 0);
    lua_createtable(L, 0, 5);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!fields[i][1][0])
            continue;
        lua_pushstring(L, fields[i][1]);
        lua_setfield(L, 1, fields[i][0]);
    }
    aggr_buf_clear(&work->parcel);
    work->why[0] = '\0';
    aggr_parcel_pack(L, 1, 1, "result", &work->parcel, work->why);
    return 0;
}

/* Whatever it has come to, it was over its limit. */
static void leave(struct work *work, const struct aggr_kill *kill)
{
    lua_State *L = work->worker->L;
    work->left = true;
    work->ok = false;
    lua_settop(L, 0);
    lua_pushcfunction(L, pack_kill);
    lua_pushlightuserdata(L, work);
    lua_pushlightuserdata(L, (void *)kill);
    if (lua_pcall(L, 2, 0, 0) != 0)
        snprintf(work->why, sizeof work->why, "%s", kill->message);
}

static void work_run(void *payload)
{
    struct work *work = payload;
    work->worker = aggr_offload_local();
    if (!work->worker || !work->worker->L) {
        snprintf(work->why, sizeof work->why, "there is no thread or no memory for it");
        return;
    }
    work->ops->begin(work->worker, work->limit);
    bool failed = lua_cpcall(work->worker->L, call, work) != 0;
    const struct aggr_kill *kill = work->ops->end(work->worker);
    if (kill) {
        leave(work, kill);
    } else if (failed) {
        const char *text = lua_tostring(work->worker->L, -1);
        snprintf(work->why, sizeof work->why, "%s", text ? text : "it failed");
    }
    work->ended_ns = uv_hrtime();
    tidy(work);
}

static int work_push(void *payload, lua_State *L)
{
    struct work *work = payload;
    lua_pushboolean(L, work->ok && !work->why[0]);
    if (!work->why[0])
        return 1 + aggr_parcel_unpack(L, &work->parcel);
    lua_pushstring(L, work->why);
    return 2;
}

static void work_abandoned(void *payload, const struct aggr_task *task)
{
    struct work *work = payload;
    lua_Debug ar;
    if (aggr_report_line(task->waiting, 0, &ar) || aggr_report_line(task->co, 0, &ar)) {
        bool named = *ar.source == '@' || *ar.source == '=';
        snprintf(work->where, sizeof work->where, "%s:%d", named ? ar.source + 1 : ar.short_src,
                 ar.currentline);
    }
    work->abandoned_ns = uv_hrtime();
    aggr_list_push(&work->state->abandoned, &work->link);
}

static void work_late(void *payload)
{
    struct work *work = payload;
    bool wanted = !aggr_list_empty(&work->link) && work->ended_ns > work->abandoned_ns;
    work->ended = true;
    if (wanted)
        aggr_buf_deinit(&work->parcel);
    else
        work_free(work);
}

static const struct aggr_blocking_ops work_ops = {"work", work_run, work_push, work_free};
static const struct aggr_blocking_hooks work_hooks = {work_abandoned, work_late};

/* The runtime's threads, made when they are first asked for. */
static struct aggr_offload *threads_of(lua_State *L)
{
    struct aggr_runtime *rt = aggr_state_runtime(L);
    const struct aggr_worker_ops *ops = aggr_state_of(L)->workers;
    struct aggr_offload_options options = {
        .working_max = rt->workers_max,
        .threads_max = rt->workers_max + SPARE,
        .stack_bytes = STACK_BYTES,
        .begin = ops->open,
        .end = ops->close,
        .leave_ms = LEAVE_MS,
    };
    if (!rt->workers && aggr_offload_new(&rt->loop, &options, &rt->workers) != AGGR_OK)
        luaL_error(L, "there are no threads to be had");
    return rt->workers;
}

/* (work, start's own arguments, the function's) -> boolean */
static int pack_arguments(lua_State *L)
{
    enum { FIRST = 2, FUNCTIONS = FIRST + OWN_ARGUMENTS };
    struct work *work = lua_touserdata(L, 1);
    bool packed =
        aggr_parcel_pack(L, FIRST, FUNCTIONS - 1, "argument", &work->parcel, work->why) &&
        aggr_parcel_pack(L, FUNCTIONS, lua_gettop(L), "argument", &work->parcel, work->why);
    lua_pushboolean(L, packed);
    return 1;
}

static int l_start(lua_State *L)
{
    luaL_checkstring(L, 2);
    luaL_checkany(L, OWN_ARGUMENTS);
    struct aggr_offload *threads = threads_of(L);
    luaL_checkstack(L, 2, "too many arguments");
    struct work *work = aggr_mem_new(1, sizeof *work);
    work->ops = aggr_state_of(L)->workers;
    work->state = aggr_state_of(L);
    work->limit = work->state->cap ? work->state->cap->limit : 0;
    aggr_list_init(&work->link);
    lua_pushcfunction(L, pack_arguments);
    lua_insert(L, 1);
    lua_pushlightuserdata(L, work);
    lua_insert(L, 2);
    bool failed = lua_pcall(L, lua_gettop(L) - 1, 1, 0) != 0;
    if (!failed && lua_toboolean(L, -1))
        return aggr_blocking_await_on(L, threads, &work_ops, &work_hooks, work);
    if (!failed)
        lua_pushstring(L, work->why);
    work_free(work);
    return failed ? lua_error(L) : 1;
}

static void push_late(lua_State *L, const struct work *work)
{
    uint64_t until_ns = work->ended ? work->ended_ns : uv_hrtime();
    lua_createtable(L, 0, 3);
    if (work->where[0]) {
        lua_pushstring(L, work->where);
        lua_setfield(L, -2, "where");
    }
    lua_pushnumber(L, (lua_Number)(until_ns - work->abandoned_ns) / (lua_Number)AGGR_NS_PER_S);
    lua_setfield(L, -2, "seconds");
    lua_pushboolean(L, !work->ended);
    lua_setfield(L, -2, "running");
}

/* No longer told of; what still runs is its job's alone. */
static void forget(struct work *work)
{
    aggr_list_remove(&work->link);
    if (work->ended)
        work_free(work);
}

static int l_late(lua_State *L)
{
    struct aggr_list *all = &aggr_state_of(L)->abandoned;
    bool also_running = lua_toboolean(L, 1);
    lua_newtable(L);
    int count = 0;
    for (struct aggr_list *at = all->next, *next; at != all; at = next) {
        struct work *work = AGGR_LIST_ENTRY(at, struct work, link);
        next = at->next;
        if (!work->ended && !also_running)
            continue;
        push_late(L, work);
        lua_rawseti(L, -2, ++count);
        forget(work);
    }
    return 1;
}

void aggr_bind_work_end(struct aggr_state *state)
{
    while (!aggr_list_empty(&state->abandoned))
        forget(AGGR_LIST_ENTRY(state->abandoned.next, struct work, link));
}

static int l_marks(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_checktype(L, 4, LUA_TFUNCTION);
    aggr_parcel_state_set(L, AGGR_PARCEL_STATE_MARKS, 1);
    aggr_parcel_state_set(L, AGGR_PARCEL_STATE_LIST, 2);
    aggr_parcel_state_set(L, AGGR_PARCEL_STATE_DIGITS, 3);
    aggr_parcel_state_set(L, AGGR_PARCEL_STATE_EXACT, 4);
    return 0;
}

static void set_count(lua_State *L, const char *name, size_t count)
{
    lua_pushnumber(L, (lua_Number)count);
    lua_setfield(L, -2, name);
}

static int l_stats(lua_State *L)
{
    struct aggr_offload_stats stats = aggr_offload_stats(aggr_state_runtime(L)->workers);
    lua_createtable(L, 0, 4);
    set_count(L, "threads", stats.threads);
    set_count(L, "running", stats.running);
    set_count(L, "queued", stats.queued);
    set_count(L, "bytes", stats.bytes);
    return 1;
}

int aggr_bind_work(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"start", l_start}, {"late", l_late}, {"marks", l_marks}, {"stats", l_stats}, {NULL, NULL}};
    lua_createtable(L, 0, sizeof functions / sizeof *functions);
    luaL_register(L, NULL, functions);
    return 1;
}
