/* cap.h -- how much memory the tasks of a lua_State may use, and what becomes of the one that goes
 * over it.
 *
 * What counts is the Lua heap and the bytes in flight (io/backlog.h). LuaJIT does not survive an
 * allocator that fails at any time (facts 20), so the limit is a soft one: what is small is always
 * given, and once that goes over the limit a hook looks at the running task. It collects garbage
 * first, and kills the task (task/kill.h) when what is left is still over the limit. A request of
 * 1 MiB and more that would end beyond 1.25 times the limit is refused, and its task killed.
 *
 * Owned by the vm; of the state's own thread. Its allocator asks `grants` and tells `crossed`.
 *
 *   init -> (enter -> crossed? -> leave)*        killed: suspend -> enter -> recover -> leave
 */
#pragma once
#include "io/runtime.h"
#include "task/kill.h"
#include "task/state.h"
#include "task/vmstate.h"

struct aggr_task;

enum { AGGR_CAP_LARGE = 1 << 20 }; /* bytes; what is less is never refused */

struct aggr_cap {
    size_t limit; /* bytes */
    bool kills;   /* whether tasks are killed; not before the script runs, and after it */
    size_t due;   /* the running task is looked at when more is in use */
    /* private */
    size_t calm;      /* what `due` is: the limit, or a bit more after a collection */
    size_t unwinding; /* what it is for tasks that were killed: they need some to clean up */
    bool asked;       /* the hook is set */
    bool alone;       /* no tasks: one job after another is what runs */
    bool left;        /* the job was over the limit; `kill` says why */
    struct aggr_kill kill;
    struct aggr_vmstate vm;
};

/* `L`: the main thread, outside of any call. */
void aggr_cap_init(struct aggr_cap *cap, lua_State *L, size_t limit);

void aggr_cap_allow_kills(struct aggr_cap *cap, bool allow);

/* The same for a state of aggr.work's, whose hooks compiled code sees only when it stops for the
 * collector. From begin on a job that goes over the limit is left by errors, until end; end gives
 * what it was left for, or NULL. */
void aggr_cap_begin_job(struct aggr_cap *cap, lua_State *L);
const struct aggr_kill *aggr_cap_end_job(struct aggr_cap *cap, lua_State *L);

/* Around lua_resume. */
void aggr_cap_enter(struct aggr_cap *cap, const struct aggr_task *task);
void aggr_cap_leave(struct aggr_cap *cap, lua_State *L);

/* A task was killed for memory; it is not looked at until it calls recover, which collects what it
 * has left behind. */
void aggr_cap_suspend(struct aggr_cap *cap);
void aggr_cap_recover(struct aggr_cap *cap, lua_State *L);

/* What of the limit is in use. */
static inline size_t aggr_cap_used(const struct aggr_state *state)
{
    return state->memory.used + (state->runtime ? state->runtime->backlog.held.used : 0);
}

/* For the allocator: too much is in use. */
void aggr_cap_crossed(struct aggr_state *state);

/* For the allocator: so many bytes more would be too much at once. False: they are refused. */
bool aggr_cap_grants_large(struct aggr_state *state, size_t bytes);

static inline bool aggr_cap_grants(struct aggr_state *state, size_t bytes)
{
    return bytes < AGGR_CAP_LARGE || aggr_cap_grants_large(state, bytes);
}
