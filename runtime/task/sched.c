#include "task/sched.h"
#include "task/cap.h"
#include "task/kill.h"
#include "task/report.h"
#include "task/state.h"
#include "task/task.h"
#include "task/wait.h"
#include <lauxlib.h>

void aggr_sched_init(struct aggr_sched *sched, lua_State *L, struct aggr_loop *loop,
                     struct aggr_trace *trace)
{
    *sched = (struct aggr_sched){.L = L, .loop = loop, .trace = trace};
    sched->scopes = (struct aggr_scopes){
        .timers = &loop->timers, .clock = loop->clock, .on_cancel = aggr_task_on_cancel};
    aggr_scope_init(&sched->root, &sched->scopes, NULL);
    aggr_collector_init(&sched->collector);
    aggr_list_init(&sched->queue);
    aggr_list_init(&sched->tasks);
    aggr_list_init(&sched->spares);
    sched->anchors = LUA_NOREF;
    sched->cancel_token = LUA_NOREF;
    for (int i = 0; i < AGGR_SCHED_HOOKS; i++)
        sched->hooks[i] = LUA_NOREF;
}

void aggr_sched_deinit(struct aggr_sched *sched)
{
    /* The youngest first: a scope's tasks are younger than the task that opened it. */
    while (!aggr_list_empty(&sched->tasks))
        aggr_task_end(AGGR_LIST_ENTRY(sched->tasks.prev, struct aggr_task, all));
    aggr_scope_deinit(&sched->root);
    aggr_task_free_spares(sched);
    free(sched->free_slots);
    sched->free_slots = NULL;
}

void aggr_sched_ready(struct aggr_sched *sched, struct aggr_task *task)
{
    task->state = AGGR_TASK_READY;
    aggr_list_push(&sched->queue, &task->link);
}

/* Puts a coroutine that calls the kill hook with the task's table, whether it was killed, and what
 * for (or the error that it has died of) in place of the dead one. Inside lua_pcall: it allocates.
 */
static int replace_coroutine(lua_State *L)
{
    struct aggr_task *task = lua_touserdata(L, 1);
    struct aggr_sched *sched = task->sched;
    lua_State *dead = task->co;
    if (task->killed)
        aggr_kill_keep_place(L, task, task->waiting ? task->waiting : dead);
    lua_State *co = lua_newthread(L);
    lua_rawgeti(co, LUA_REGISTRYINDEX, sched->hooks[AGGR_SCHED_ON_KILL]);
    aggr_task_push(co, task);
    lua_pushboolean(co, task->killed);
    if (task->killed) {
        aggr_kill_push_cause(L, task);
        lua_xmove(L, co, 1);
    } else if (lua_gettop(dead) > 0) {
        lua_xmove(dead, co, 1);
    } else {
        lua_pushnil(co);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, sched->anchors);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, task->slot);
    task->co = co;
    task->arguments = 3;
    return 0;
}

/* The coroutine is dead or given up: a second one unwinds the task (R21), and another one when that
 * is killed. False when unwinding has failed, or there is no memory for it. */
static bool begin_unwinding(struct aggr_sched *sched, struct aggr_task *task)
{
    lua_State *L = sched->L;
    if (task->unwinding && !task->killed)
        return false;
    bool for_memory = task->killed && task->kill && task->kill->kind == AGGR_ERR_MEMORY;
    lua_pushcfunction(L, replace_coroutine);
    lua_pushlightuserdata(L, task);
    if (lua_pcall(L, 1, 0, 0) != 0) {
        lua_pop(L, 1);
        return false;
    }
    task->unwinding = true;
    task->killed = false;
    if (for_memory)
        aggr_cap_suspend(aggr_state_of(L)->cap);
    return true;
}

static int resume(struct aggr_sched *sched, struct aggr_task *task)
{
    int arguments = task->arguments;
    struct aggr_cap *cap = aggr_state_of(sched->L)->cap;
    task->arguments = 0;
    task->state = AGGR_TASK_RUNNING;
    task->waiting = NULL;
    sched->current = task;
    aggr_trace_emit(sched->trace, AGGR_TRACE_TASK_ENTER, task->id);
    if (sched->slice)
        aggr_slice_enter(sched->slice);
    if (cap)
        aggr_cap_enter(cap, task);
    int status = lua_resume(task->co, arguments);
    if (cap)
        aggr_cap_leave(cap, sched->L);
    if (sched->slice)
        aggr_slice_leave(sched->slice);
    aggr_trace_emit(sched->trace, AGGR_TRACE_TASK_LEAVE, task->id);
    sched->current = NULL;
    if (sched->break_due_ns) {
        sched->break_due_ns = 0;
        aggr_interrupt_clear(sched->L);
    }
    return status;
}

/* The coroutine has yielded a checkpoint's sentinel and nothing else. */
static bool yielded_to_us(struct aggr_sched *sched, struct aggr_task *task)
{
    lua_State *co = task->co;
    bool ours = lua_gettop(co) == 1 && lua_touserdata(co, 1) == sched &&
                task->outcome == AGGR_TASK_NOTHING && task->wait;
    if (ours)
        lua_settop(co, 0);
    return ours;
}

static void run(struct aggr_sched *sched, struct aggr_task *task)
{
    bool alive = !task->killed || begin_unwinding(sched, task);
    while (alive) {
        int status = resume(sched, task);
        if (!task->killed && status == 0)
            break;
        if (!task->killed && status == LUA_YIELD && yielded_to_us(sched, task)) {
            aggr_task_start_wait(task);
            return;
        }
        if (status == LUA_YIELD) { /* a C function's own, which nobody here waits for */
            lua_settop(task->co, 0);
            lua_pushliteral(task->co, "yielded to the scheduler outside of a checkpoint");
        }
        alive = begin_unwinding(sched, task);
    }
    aggr_task_end(task);
}

static void drain(struct aggr_sched *sched)
{
    struct aggr_list batch;
    aggr_list_init(&batch);
    aggr_list_splice(&batch, &sched->queue);
    struct aggr_list *link;
    while ((link = aggr_list_shift(&batch)))
        run(sched, AGGR_LIST_ENTRY(link, struct aggr_task, link));
}

/* What has waited for a stalled task is due now: it is found without waiting for more. */
static void turn_after_stall(struct aggr_sched *sched)
{
    struct aggr_slice *slice = sched->slice;
    slice->has_stalled = false;
    slice->before_turn(slice);
    aggr_loop_turn(sched->loop, false);
    slice->after_turn(slice);
}

bool aggr_sched_step(struct aggr_sched *sched)
{
    drain(sched);
    aggr_collector_pace(&sched->collector, sched->L);
    if (sched->slice && sched->slice->has_stalled)
        turn_after_stall(sched);
    if (sched->live == 0)
        return false;
    bool idle = aggr_list_empty(&sched->queue);
    if (idle && !aggr_loop_pending(sched->loop))
        return aggr_report_deadlock(sched);
    if (idle || !aggr_loop_half_turn(sched->loop))
        aggr_loop_turn(sched->loop, idle);
    return true;
}
