#include "task/cap.h"
#include "task/interrupt.h"
#include "task/report.h"
#include "task/sched.h"
#include "task/task.h"
#include <lauxlib.h>
#include <luajit.h>
#include <string.h>

/* In parts of the limit: what is allocated at least between two collections of ours, and what a
 * killed task may use to clean up. */
enum { SHARE = 8 };

enum { SIZE_TEXT = 32, LEVELS_TOLD = 12 };

static const char hint[] =
    "keep less at once (aggr.each keeps nothing, limit and max_body bound what is in flight), or "
    "raise --max-memory";

/* "271.3 MiB" */
static const char *size_text(char out[SIZE_TEXT], size_t bytes)
{
    snprintf(out, SIZE_TEXT, "%.1f MiB", (double)bytes / 0x1p20);
    return out;
}

void aggr_cap_init(struct aggr_cap *cap, lua_State *L, size_t limit)
{
    *cap = (struct aggr_cap){.limit = limit, .calm = limit, .due = SIZE_MAX};
    cap->kill.kind = AGGR_ERR_MEMORY;
    snprintf(cap->kill.hint, sizeof cap->kill.hint, "%s", hint);
    aggr_vmstate_find(&cap->vm, L);
}

void aggr_cap_allow_kills(struct aggr_cap *cap, bool allow)
{
    cap->kills = allow;
    cap->due = allow ? cap->calm : SIZE_MAX;
}

static void forget_place(struct aggr_kill *kill)
{
    kill->where[0] = kill->traceback[0] = '\0';
}

void aggr_cap_enter(struct aggr_cap *cap, const struct aggr_task *task)
{
    forget_place(&cap->kill);
    if (!cap->kills)
        return;
    bool needs_more = task->unwinding && cap->unwinding > cap->calm;
    cap->due = needs_more ? cap->unwinding : cap->calm;
}

void aggr_cap_leave(struct aggr_cap *cap, lua_State *L)
{
    if (cap->asked)
        aggr_interrupt_clear(L);
    cap->asked = false;
}

/* Appends a line of a traceback; nothing may be allocated in Lua here. */
static void append_frame(struct aggr_kill *kill, const lua_Debug *ar)
{
    size_t len = strlen(kill->traceback), room = sizeof kill->traceback - len;
    if (ar->currentline > 0)
        snprintf(kill->traceback + len, room, "\n\t%s:%d", ar->short_src, ar->currentline);
    else
        snprintf(kill->traceback + len, room, "\n\t[C]");
}

/* Where `co` is; nothing may be allocated in Lua here. */
static void note_frames(struct aggr_kill *kill, lua_State *co)
{
    lua_Debug ar;
    if (!aggr_report_line(co, 0, &ar))
        return;
    bool named = *ar.source == '@' || *ar.source == '=';
    snprintf(kill->where, sizeof kill->where, "%s:%d", named ? ar.source + 1 : ar.short_src,
             ar.currentline);
    snprintf(kill->traceback, sizeof kill->traceback, "stack traceback:");
    for (int level = 0; level < LEVELS_TOLD && lua_getstack(co, level, &ar); level++)
        if (lua_getinfo(co, "Sl", &ar))
            append_frame(kill, &ar);
}

/* A job is left by this, whatever catches errors in it. */
static void raise_again(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    luaL_error(L, "not enough memory");
}

static void leave_job(struct aggr_state *state)
{
    state->cap->left = true;
    aggr_interrupt_set(&state->sched->interrupt, state->L, raise_again);
}

/* Garbage is not counted. False: what is left is not too much. */
static bool is_over(lua_State *L, struct aggr_cap *cap, const struct aggr_task *task)
{
    size_t due = cap->due;
    cap->due = SIZE_MAX;
    lua_gc(L, LUA_GCCOLLECT, 0);
    size_t left = aggr_cap_used(aggr_state_of(L));
    bool over = left > (task && task->unwinding ? due : cap->limit);
    cap->calm = cap->limit;
    if (!over && left + cap->limit / SHARE > cap->limit)
        cap->calm = left + cap->limit / SHARE;
    cap->due = due > cap->calm ? due : cap->calm;
    return over;
}

static bool is_job(const struct aggr_cap *cap)
{
    return cap->alone && cap->kills && !cap->left;
}

static void look(lua_State *L, lua_Debug *ar)
{
    struct aggr_state *state = aggr_state_of(L);
    struct aggr_cap *cap = state->cap;
    struct aggr_task *task = state->sched->current;
    char used[SIZE_TEXT], limit[SIZE_TEXT];
    (void)ar;
    aggr_cap_leave(cap, L);
    bool may_kill = task ? !task->killed && cap->kills : is_job(cap);
    if (!may_kill || !is_over(L, cap, task))
        return;
    forget_place(&cap->kill);
    snprintf(cap->kill.message, sizeof cap->kill.message,
             "%s in use, over the limit of %s (--max-memory)",
             size_text(used, aggr_cap_used(state)), size_text(limit, cap->limit));
    if (task) {
        aggr_task_kill(task, &cap->kill);
        return;
    }
    note_frames(&cap->kill, L);
    leave_job(state);
    raise_again(L, NULL);
}

void aggr_cap_crossed(struct aggr_state *state)
{
    struct aggr_cap *cap = state->cap;
    struct aggr_sched *sched = state->sched;
    if (!sched->current && !is_job(cap))
        return;
    if (sched->current && sched->current->killed) { /* the request may have got lost */
        aggr_kill_break(sched, false);
        return;
    }
    cap->asked = true;
    aggr_interrupt_set(&sched->interrupt, state->L, look);
}

/* Behind a large request of compiled code. */
static void note_here(lua_State *L, lua_Debug *ar)
{
    struct aggr_state *state = aggr_state_of(L);
    (void)ar;
    aggr_cap_leave(state->cap, L);
    forget_place(&state->cap->kill);
    note_frames(&state->cap->kill, L);
}

/* Where memory is asked for: it will not be known any more when the error has been caught. Of
 * compiled code it is not known at all; but what becomes so large was large before. */
static void note_place(struct aggr_state *state, bool granted)
{
    struct aggr_cap *cap = state->cap;
    lua_State *co = aggr_vmstate_asking(&cap->vm);
    if (co && !granted) {
        forget_place(&cap->kill);
        note_frames(&cap->kill, co);
    } else if (!co && granted && !cap->asked) {
        cap->asked = true;
        aggr_interrupt_set(&state->sched->interrupt, state->L, note_here);
    }
}

bool aggr_cap_grants_large(struct aggr_state *state, size_t bytes)
{
    struct aggr_cap *cap = state->cap;
    struct aggr_task *task = state->sched->current;
    char more[SIZE_TEXT], used[SIZE_TEXT], limit[SIZE_TEXT];
    bool may_kill = task ? !task->killed && cap->kills : is_job(cap);
    if (!task && !may_kill)
        return true;
    bool granted = aggr_cap_used(state) + bytes <= cap->limit + cap->limit / 4;
    if (may_kill)
        note_place(state, granted);
    if (granted || !may_kill)
        return granted;
    snprintf(cap->kill.message, sizeof cap->kill.message,
             "%s more asked for at once, with %s in use, over the limit of %s (--max-memory)",
             size_text(more, bytes), size_text(used, aggr_cap_used(state)),
             size_text(limit, cap->limit));
    if (!task) {
        leave_job(state);
        return false;
    }
    aggr_task_kill(task, &cap->kill);
    aggr_kill_break(state->sched, true);
    return false;
}

void aggr_cap_begin_job(struct aggr_cap *cap, lua_State *L)
{
    enum { PAUSE = 120 }; /* per cent: what is compiled is seen by the next collection */
    cap->alone = true;
    cap->left = false;
    forget_place(&cap->kill);
    aggr_cap_allow_kills(cap, true);
    lua_gc(L, LUA_GCSETPAUSE, PAUSE);
}

const struct aggr_kill *aggr_cap_end_job(struct aggr_cap *cap, lua_State *L)
{
    aggr_cap_allow_kills(cap, false);
    aggr_cap_leave(cap, L);
    if (!cap->left)
        return NULL;
    aggr_interrupt_clear(L);
    return &cap->kill;
}

void aggr_cap_suspend(struct aggr_cap *cap)
{
    cap->unwinding = SIZE_MAX;
}

void aggr_cap_recover(struct aggr_cap *cap, lua_State *L)
{
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH); /* it keeps closures */
    lua_gc(L, LUA_GCCOLLECT, 0);
    struct aggr_state *state = aggr_state_of(L);
    size_t used = aggr_cap_used(state);
    bool may_have_more = used / 3 < cap->limit / 2; /* no endless chain of those that are killed */
    cap->calm = cap->limit;
    cap->unwinding = may_have_more ? used + cap->limit / SHARE : used;
    aggr_cap_enter(cap, state->sched->current);
}
