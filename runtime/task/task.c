#include "task/task.h"
#include "base/mem.h"
#include "task/kill.h"
#include "task/object.h"
#include "task/sched.h"
#include "task/state.h"
#include <lauxlib.h>

/* A task's memory is used again, and so is its coroutine if that has come to its end, where its
 * slot is not above this: making them anew, the stack grown, takes 1 us. A sanitizer should see
 * each task freed. */
enum { KEPT_SLOT_MAX = 3 * 1024 };

/* What of a task is anchored, from its slot on: the handle as well, as scripts can write into the
 * table. */
enum { CO, TABLE, HANDLE, PLACES };

#ifdef __SANITIZE_ADDRESS__
static const bool keeps_tasks = false;
#else
static const bool keeps_tasks = true;
#endif

struct aggr_task *aggr_task_current(lua_State *L)
{
    return aggr_state_of(L)->sched->current;
}

struct aggr_task *aggr_task_of(lua_State *L, int index)
{
    struct aggr_task **handle = aggr_object_check(L, index, AGGR_OBJECT_TASK);
    return *handle;
}

static int take_slot(struct aggr_sched *sched)
{
    if (sched->free_count > 0)
        return sched->free_slots[--sched->free_count];
    int slot = sched->last_slot + 1;
    sched->last_slot += PLACES;
    return slot;
}

static void give_slot(struct aggr_sched *sched, int slot)
{
    if (sched->free_count == sched->free_cap) {
        int cap = sched->free_cap ? sched->free_cap * 2 : 64;
        int *slots = aggr_mem_new((size_t)cap, sizeof *slots);
        for (int i = 0; i < sched->free_count; i++)
            slots[i] = sched->free_slots[i];
        free(sched->free_slots);
        sched->free_slots = slots;
        sched->free_cap = cap;
    }
    sched->free_slots[sched->free_count++] = slot;
}

void aggr_task_push(lua_State *L, const struct aggr_task *task)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->sched->anchors);
    lua_rawgeti(L, -1, task->slot + TABLE);
    lua_remove(L, -2);
}

/* Pushes the empty handle, which is in the task's table too. */
static struct aggr_task **push_handle(lua_State *L, int table)
{
    struct aggr_task **handle = aggr_object_new(L, AGGR_OBJECT_TASK, sizeof *handle);
    *handle = NULL;
    lua_pushvalue(L, -1);
    lua_rawseti(L, table, 1);
    return handle;
}

/* The coroutine that `slot` was left with, else a new one. Anchors it with the task's table, and
 * the handle on top of the stack, which is popped. */
static lua_State *anchor(lua_State *L, struct aggr_sched *sched, int slot, int table)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, sched->anchors);
    lua_rawgeti(L, -1, slot);
    lua_State *co = lua_tothread(L, -1);
    if (co) {
        lua_pushvalue(L, LUA_GLOBALSINDEX); /* the last task may have set others */
        lua_setfenv(L, -2);
    } else {
        co = lua_newthread(L);
        lua_rawseti(L, -3, slot);
    }
    lua_pushvalue(L, table);
    lua_rawseti(L, -3, slot + TABLE);
    lua_pushvalue(L, -3);
    lua_rawseti(L, -3, slot + HANDLE);
    lua_pop(L, 3);
    return co;
}

static struct aggr_task *new_task(struct aggr_sched *sched)
{
    struct aggr_list *link = aggr_list_shift(&sched->spares);
    return link ? AGGR_LIST_ENTRY(link, struct aggr_task, link)
                : aggr_mem_new(1, sizeof(struct aggr_task));
}

void aggr_task_free_spares(struct aggr_sched *sched)
{
    struct aggr_list *link;
    while ((link = aggr_list_shift(&sched->spares)))
        free(AGGR_LIST_ENTRY(link, struct aggr_task, link));
}

struct aggr_task *aggr_task_spawn(lua_State *L, struct aggr_scope *scope, int index)
{
    struct aggr_sched *sched = aggr_state_of(L)->sched;
    luaL_checktype(L, index, LUA_TFUNCTION);
    luaL_checktype(L, index + 1, LUA_TTABLE);
    int count = lua_gettop(L) - index + 1;
    if (count + LUA_MINSTACK > LUAI_MAXCSTACK)
        luaL_error(L, "too many arguments for a task");
    struct aggr_task **handle = push_handle(L, index + 1);
    int slot = take_slot(sched);
    lua_State *co = anchor(L, sched, slot, index + 1);
    lua_checkstack(co, count + LUA_MINSTACK);
    lua_xmove(L, co, count);

    struct aggr_task *task = new_task(sched);
    *handle = task;
    *task = (struct aggr_task){.id = ++sched->last_id,
                               .sched = sched,
                               .co = co,
                               .handle = handle,
                               .slot = slot,
                               .arguments = count - 1};
    aggr_list_push(&sched->tasks, &task->all);
    if (++sched->live > sched->peak)
        sched->peak = sched->live;
    aggr_ledger_made(&sched->loop->ledger, AGGR_LEDGER_TASKS, (uintptr_t)task, 1, NULL);
    aggr_scope_init(&task->own, &sched->scopes, scope);
    aggr_scope_join(&task->own, &task->member);
    aggr_list_init(&task->link);
    aggr_sched_ready(sched, task);
    return task;
}

static void drop_wait(struct aggr_task *task)
{
    struct aggr_wait *wait = task->wait;
    if (!wait)
        return;
    task->wait = NULL;
    if (task->state == AGGR_TASK_WAITING && wait->ops->cancel)
        wait->ops->cancel(wait);
    if (wait->ops->free)
        wait->ops->free(wait);
}

void aggr_task_end(struct aggr_task *task)
{
    struct aggr_sched *sched = task->sched;
    drop_wait(task);
    while (aggr_task_close_scope(task))
        continue;
    aggr_scope_leave(&task->member);
    aggr_scope_deinit(&task->own);
    aggr_list_remove(&task->link);
    aggr_list_remove(&task->all);
    *task->handle = NULL;
    lua_State *L = sched->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, sched->anchors);
    if (lua_status(task->co) == 0 && task->slot <= KEPT_SLOT_MAX) {
        lua_settop(task->co, 0);
    } else {
        lua_pushnil(L);
        lua_rawseti(L, -2, task->slot);
    }
    for (int place = TABLE; place < PLACES; place++) {
        lua_pushnil(L);
        lua_rawseti(L, -2, task->slot + place);
    }
    lua_pop(L, 1);
    give_slot(sched, task->slot);
    sched->live--;
    aggr_ledger_gone(&sched->loop->ledger, AGGR_LEDGER_TASKS, (uintptr_t)task, 1);
    if (sched->main == task)
        sched->main = NULL;
    aggr_trace_emit(sched->trace, AGGR_TRACE_TASK_END, task->id);
    if (keeps_tasks && task->slot <= KEPT_SLOT_MAX)
        aggr_list_push(sched->spares.next, &task->link); /* before the first */
    else
        free(task);
}

struct aggr_task_scope *aggr_task_open_scope(struct aggr_task *task, struct aggr_task_scope **box)
{
    struct aggr_task_scope *opened = aggr_mem_new(1, sizeof *opened);
    opened->box = box;
    opened->of_main = task->sched->main == task;
    if (box)
        *box = opened;
    struct aggr_scope *parent = task->member.scope;
    aggr_scope_init(&opened->scope, &task->sched->scopes, parent);
    aggr_scope_leave(&task->member);
    aggr_scope_join(&opened->scope, &task->member);
    aggr_trace_emit(task->sched->trace, AGGR_TRACE_SCOPE_OPEN, opened->scope.id);
    return opened;
}

bool aggr_task_close_scope(struct aggr_task *task)
{
    struct aggr_scope *scope = task->member.scope;
    if (!scope || scope == &task->own)
        return false;
    aggr_scope_leave(&task->member);
    aggr_scope_join(scope->parent, &task->member);
    aggr_trace_emit(task->sched->trace, AGGR_TRACE_SCOPE_CLOSE, scope->id);
    struct aggr_task_scope *opened = AGGR_LIST_ENTRY(scope, struct aggr_task_scope, scope);
    if (opened->box)
        *opened->box = NULL;
    aggr_scope_deinit(scope);
    free(opened);
    return true;
}

/* A stopped task has nothing more to wait for. */
static void wake(struct aggr_task *task, enum aggr_task_outcome outcome)
{
    task->outcome = outcome;
    aggr_sched_ready(task->sched, task);
}

void aggr_task_start_wait(struct aggr_task *task)
{
    struct aggr_ledger *ledger = &task->sched->loop->ledger;
    task->state = AGGR_TASK_WAITING;
    const void *before = aggr_ledger_act_for(ledger, task);
    task->wait->ops->start(task->wait);
    aggr_ledger_act_for(ledger, before);
}

void aggr_wait_done(struct aggr_wait *self)
{
    struct aggr_task *task = self->task;
    AGGR_CHECK(task->wait == self && task->state == AGGR_TASK_WAITING);
    wake(task, AGGR_TASK_DONE);
}

void aggr_task_on_cancel(struct aggr_scope_member *member)
{
    struct aggr_task *task = AGGR_LIST_ENTRY(member, struct aggr_task, member);
    if (task->state != AGGR_TASK_WAITING || !task->wait || !task->wait->ops->cancel)
        return;
    drop_wait(task);
    wake(task, AGGR_TASK_CANCELLED);
}

void aggr_task_kill(struct aggr_task *task, const struct aggr_kill *kill)
{
    if (task->killed)
        return;
    task->killed = true;
    task->kill = kill;
    if (task->state == AGGR_TASK_WAITING) {
        drop_wait(task);
        wake(task, AGGR_TASK_NOTHING);
    } else if (task->state == AGGR_TASK_RUNNING) {
        aggr_kill_break(task->sched, false);
    }
}

void aggr_task_interrupt(struct aggr_task *task, lua_State *L)
{
    aggr_task_push(L, task);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 2);
    lua_pop(L, 1);
    bool waiting = task->state == AGGR_TASK_WAITING;
    drop_wait(task);
    task->outcome = AGGR_TASK_INTERRUPTED;
    if (waiting)
        aggr_sched_ready(task->sched, task);
}
