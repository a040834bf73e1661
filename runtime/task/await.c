#include "task/await.h"
#include "task/sched.h"
#include "task/state.h"
#include "task/task.h"
#include "task/wait.h"
#include <lauxlib.h>

enum { CHECKS_PER_YIELD = 100 };

void aggr_await_push_sentinel(lua_State *L)
{
    lua_pushlightuserdata(L, aggr_state_of(L)->sched);
}

int aggr_await_raise_cancel(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, aggr_state_of(L)->sched->cancel_token);
    return lua_error(L);
}

static void free_wait(struct aggr_wait *wait)
{
    if (wait->ops->free)
        wait->ops->free(wait);
}

/* What an earlier take() left because it threw, or nobody took. */
static void clear(struct aggr_task *task)
{
    if (task->wait) {
        struct aggr_wait *wait = task->wait;
        task->wait = NULL;
        free_wait(wait);
    }
    task->outcome = AGGR_TASK_NOTHING;
}

static int raise_blocked(lua_State *L, struct aggr_sched *sched)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, sched->hooks[AGGR_SCHED_ON_BLOCKED]);
    lua_call(L, 0, 0);
    return luaL_error(L, "cannot wait here");
}

int aggr_task_await(lua_State *L, struct aggr_wait *self)
{
    struct aggr_task *task = aggr_task_current(L);
    if (!task) {
        free_wait(self);
        return luaL_error(L, "cannot wait outside of a task");
    }
    clear(task);
    if (self->ops->cancel && aggr_scope_cancelled(task->member.scope)) {
        free_wait(self);
        return aggr_await_raise_cancel(L);
    }
    if (!lua_isyieldable(L)) {
        free_wait(self);
        return raise_blocked(L, task->sched);
    }
    self->task = task;
    task->wait = self;
    task->waiting = L;
    task->sched->checks = 0;
    aggr_await_push_sentinel(L);
    return lua_yield(L, 1);
}

static int raise_interrupt(lua_State *L, struct aggr_task *task)
{
    aggr_task_push(L, task);
    lua_rawgeti(L, -1, 2);
    lua_pushnil(L);
    lua_rawseti(L, -3, 2);
    return lua_error(L);
}

int aggr_await_take(lua_State *L)
{
    struct aggr_task *task = aggr_task_current(L);
    if (!task)
        return luaL_error(L, "nothing was waited for");
    enum aggr_task_outcome outcome = task->outcome;
    task->outcome = AGGR_TASK_NOTHING;
    int results = 0;
    switch (outcome) {
    case AGGR_TASK_NOTHING:
        return luaL_error(L, "nothing was waited for");
    case AGGR_TASK_DONE:
        results = task->wait->ops->take ? task->wait->ops->take(task->wait, L) : 0;
        clear(task);
        return results;
    case AGGR_TASK_CANCELLED:
        return aggr_await_raise_cancel(L);
    case AGGR_TASK_INTERRUPTED:
        return raise_interrupt(L, task);
    }
    return results;
}

int aggr_await_parked(lua_State *L)
{
    struct aggr_task *task = aggr_task_current(L);
    enum aggr_task_outcome outcome = task ? task->outcome : AGGR_TASK_NOTHING;
    if (outcome == AGGR_TASK_DONE) {
        clear(task);
        lua_pushboolean(L, 1);
        return 1;
    }
    if (outcome == AGGR_TASK_NOTHING)
        return luaL_error(L, "nothing was waited for");
    task->outcome = AGGR_TASK_NOTHING;
    lua_pushboolean(L, 0);
    if (outcome == AGGR_TASK_CANCELLED) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, task->sched->cancel_token);
        return 2;
    }
    aggr_task_push(L, task);
    lua_rawgeti(L, -1, 2);
    lua_pushnil(L);
    lua_rawseti(L, -3, 2);
    lua_remove(L, -2);
    return 2;
}

static void start_pass(struct aggr_wait *self)
{
    aggr_wait_done(self);
}

/* A checkpoint that only lets the others run: nobody takes, so it is not told of a cancellation. */
static const struct aggr_wait_ops pass_ops = {.name = "checkpoint", .start = start_pass};

int aggr_task_check(lua_State *L)
{
    struct aggr_task *task = aggr_task_current(L);
    if (!task)
        return luaL_error(L, "cannot wait outside of a task");
    if (aggr_scope_cancelled(task->member.scope))
        return aggr_await_raise_cancel(L);
    if (++task->sched->checks < CHECKS_PER_YIELD || !lua_isyieldable(L))
        return 0;
    task->pause.ops = &pass_ops;
    return aggr_task_await(L, &task->pause);
}

static void start_park(struct aggr_wait *self)
{
    (void)self;
}

static void cancel_park(struct aggr_wait *self)
{
    (void)self;
}

static int take_park(struct aggr_wait *self, lua_State *L)
{
    (void)self;
    lua_pushboolean(L, 1);
    return 1;
}

static const struct aggr_wait_ops park_ops = {
    .name = "wait", .start = start_park, .cancel = cancel_park, .take = take_park};
static const struct aggr_wait_ops join_ops = {
    .name = "join", .start = start_park, .take = take_park};

int aggr_await_park(lua_State *L, bool uncancellable)
{
    struct aggr_task *task = aggr_task_current(L);
    if (!task)
        return luaL_error(L, "cannot wait outside of a task");
    clear(task);
    task->pause.ops = uncancellable ? &join_ops : &park_ops;
    return aggr_task_await(L, &task->pause);
}

bool aggr_await_unpark(struct aggr_task *task)
{
    if (!task || task->state != AGGR_TASK_WAITING || task->wait != &task->pause)
        return false;
    aggr_wait_done(task->wait);
    return true;
}

static struct aggr_task *task_of_sleep(struct aggr_wait *self)
{
    return AGGR_LIST_ENTRY(self, struct aggr_task, pause);
}

static void on_alarm(struct aggr_timer *timer)
{
    aggr_wait_done(&AGGR_LIST_ENTRY(timer, struct aggr_task, alarm)->pause);
}

static void start_sleep(struct aggr_wait *self)
{
    struct aggr_task *task = task_of_sleep(self);
    if (!(task->sleep_s > 0)) {
        aggr_wait_done(self);
        return;
    }
    task->alarm.rank = AGGR_TIMER_PLAIN;
    task->alarm.on_due = on_alarm;
    struct aggr_loop *loop = task->sched->loop;
    aggr_timer_start(&loop->timers, &task->alarm,
                     aggr_clock_after(aggr_loop_now(loop), task->sleep_s));
}

static void cancel_sleep(struct aggr_wait *self)
{
    struct aggr_task *task = task_of_sleep(self);
    aggr_timer_stop(&task->sched->loop->timers, &task->alarm);
}

static const struct aggr_wait_ops sleep_ops = {
    .name = "sleep", .start = start_sleep, .cancel = cancel_sleep};

int aggr_await_sleep(lua_State *L, double seconds)
{
    struct aggr_task *task = aggr_task_current(L);
    if (!task)
        return luaL_error(L, "cannot wait outside of a task");
    clear(task);
    task->sleep_s = seconds;
    task->pause.ops = &sleep_ops;
    return aggr_task_await(L, &task->pause);
}
