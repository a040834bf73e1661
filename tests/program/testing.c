/* aggr.testing:
 *
 *   counts() -> { tasks, scopes, timers, in_flight }   what is alive now
 *   kill(task, message?)     its coroutine dies where it stands; of kind `stall` with a message
 *   step_wall(seconds)       the wall clock is set
 *   originals                the globals as the library sees them
 *   raw_require              Lua's own (set by main.lua)
 *   require(name)            a module of the library, core modules too
 *   run(source, { cancel_at = seconds, reason = "signal" | "deadline" })
 *                            -> code, text, notes, what its tracer was told ("enter 1 leave 1 …")
 *                            `source` as main function of another vm with a clock of its own; it is
 *                            called with note(text)
 */
#include "testing.h"
#include "base/buf.h"
#include "clock.h"
#include "io/runtime.h"
#include "task/kill.h"
#include "task/sched.h"
#include "task/state.h"
#include "task/task.h"
#include "vm/loader.h"
#include "vm/run.h"
#include <lauxlib.h>
#include <string.h>

static void set_count(lua_State *L, const char *name, size_t count)
{
    lua_pushnumber(L, (double)count);
    lua_setfield(L, -2, name);
}

static int l_counts(lua_State *L)
{
    struct aggr_sched *sched = aggr_state_of(L)->sched;
    lua_newtable(L);
    set_count(L, "tasks", sched->live);
    set_count(L, "scopes", sched->scopes.open);
    set_count(L, "timers", sched->loop->timers.len);
    set_count(L, "in_flight", sched->loop->in_flight);
    return 1;
}

static int l_kill(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    lua_rawgeti(L, 1, 1);
    struct aggr_task *task = aggr_task_of(L, -1);
    if (!task)
        return 0;
    if (lua_isnoneornil(L, 2)) {
        aggr_task_kill(task, NULL);
        return 0;
    }
    static struct aggr_kill kill = {.kind = AGGR_ERR_STALL};
    snprintf(kill.message, sizeof kill.message, "%s", luaL_checkstring(L, 2));
    aggr_task_kill(task, &kill);
    return 0;
}

static int l_step_wall(lua_State *L)
{
    struct aggr_clock *clock = aggr_state_of(L)->sched->loop->clock;
    AGGR_LIST_ENTRY(clock, struct aggr_testing_clock, clock)->wall_offset_s +=
        luaL_checknumber(L, 1);
    return 0;
}

static int l_require(lua_State *L)
{
    aggr_loader_require(L, luaL_checkstring(L, 1));
    return 1;
}

/* A run inside of the run. */
struct inner {
    const char *source;
    double cancel_at_s; /* negative: never */
    enum aggr_reason reason;
    struct aggr_testing_clock clock;
    struct aggr_runtime runtime;
    struct aggr_vm *vm;
    struct aggr_timer timer;
    struct aggr_buf notes;
    struct aggr_trace trace;
    struct aggr_buf events;
    struct aggr_run_result result;
};

static int l_note(lua_State *L)
{
    struct inner *inner = lua_touserdata(L, lua_upvalueindex(1));
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    if (inner->notes.len > 0)
        aggr_buf_append(&inner->notes, " ", 1);
    aggr_buf_append(&inner->notes, text, len);
    return 0;
}

static void on_event(struct aggr_trace *trace, enum aggr_trace_event event, uint64_t id)
{
    static const char *const names[] = {
        [AGGR_TRACE_TASK_ENTER] = "enter",
        [AGGR_TRACE_TASK_LEAVE] = "leave",
        [AGGR_TRACE_TASK_END] = "end",
        [AGGR_TRACE_SCOPE_OPEN] = "open",
        [AGGR_TRACE_SCOPE_CLOSE] = "close",
        [AGGR_TRACE_EXCHANGE_START] = "start",
        [AGGR_TRACE_EXCHANGE_END] = "exchange_end",
    };
    struct inner *inner = AGGR_LIST_ENTRY(trace, struct inner, trace);
    char text[64];
    int len = snprintf(text, sizeof text, "%s %llu ", names[event], (unsigned long long)id);
    aggr_buf_append(&inner->events, text, (size_t)len);
}

static void on_cancel(struct aggr_timer *timer)
{
    struct inner *inner = AGGR_LIST_ENTRY(timer, struct inner, timer);
    aggr_run_cancel(inner->vm, inner->reason);
}

static void run_main(struct inner *inner)
{
    lua_State *L = aggr_vm_lua(inner->vm);
    if (luaL_loadbuffer(L, inner->source, strlen(inner->source), "=inner") != 0) {
        inner->result.code = 70;
        snprintf(inner->result.text, sizeof inner->result.text, "%s", lua_tostring(L, -1));
        return;
    }
    lua_pushlightuserdata(L, inner);
    lua_pushcclosure(L, l_note, 1);
    inner->timer.rank = AGGR_TIMER_PLAIN;
    inner->timer.on_due = on_cancel;
    struct aggr_loop *loop = &inner->runtime.loop;
    if (inner->cancel_at_s >= 0)
        aggr_timer_start(&loop->timers, &inner->timer,
                         aggr_clock_after(aggr_loop_now(loop), inner->cancel_at_s));
    inner->result = aggr_run_main(inner->vm, NULL, 2);
    aggr_timer_stop(&loop->timers, &inner->timer);
}

static void run_inner(struct inner *inner)
{
    struct aggr_failure why = {0};
    aggr_testing_clock_init(&inner->clock);
    struct aggr_runtime_options options = {.clock = &inner->clock.clock, .seed = 1};
    AGGR_CHECK(aggr_runtime_init(&inner->runtime, &options) == AGGR_OK);
    inner->trace.on_event = on_event;
    inner->runtime.trace = &inner->trace;
    inner->vm = aggr_vm_new(&inner->runtime, NULL, &why);
    AGGR_CHECK(inner->vm);
    run_main(inner);
    aggr_vm_free(inner->vm);
    AGGR_CHECK(aggr_runtime_deinit(&inner->runtime) == 0);
}

static int l_run(lua_State *L)
{
    static const char *const names[] = {"cancelled", "deadline", "signal", NULL};
    struct inner *inner = calloc(1, sizeof *inner);
    AGGR_CHECK(inner);
    inner->source = luaL_checkstring(L, 1);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    lua_getfield(L, 2, "cancel_at");
    inner->cancel_at_s = luaL_optnumber(L, -1, -1);
    lua_getfield(L, 2, "reason");
    inner->reason = lua_isnil(L, -1) ? AGGR_REASON_SIGNAL
                                     : AGGR_REASON_CANCELLED + luaL_checkoption(L, -1, NULL, names);
    run_inner(inner);
    lua_pushinteger(L, inner->result.code);
    lua_pushstring(L, inner->result.text);
    lua_pushlstring(L, inner->notes.data ? inner->notes.data : "", inner->notes.len);
    lua_pushlstring(L, inner->events.data ? inner->events.data : "", inner->events.len);
    aggr_buf_deinit(&inner->notes);
    aggr_buf_deinit(&inner->events);
    free(inner);
    return 4;
}

static const luaL_Reg functions[] = {
    {"counts", l_counts},   {"kill", l_kill}, {"step_wall", l_step_wall},
    {"require", l_require}, {"run", l_run},   {NULL, NULL},
};

void aggr_testing_push(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    aggr_loader_push_environment(L);
    lua_setfield(L, -2, "originals");
}
