#include "task/look.h"
#include "task/interrupt.h"
#include "task/sched.h"
#include "task/state.h"
#include "task/task.h"
#include <string.h>

/* How long the hook watches at most, when it cannot trust the line that it finds. */
static const uint64_t WATCH_NS = 3 * AGGR_NS_PER_MS;

static const struct aggr_names *names_of(const struct aggr_look *look)
{
    return &aggr_state_of(look->sched->L)->names;
}

void aggr_look_ask(struct aggr_look *look)
{
    atomic_fetch_add(&look->asked, 1);
}

bool aggr_look_answered(struct aggr_look *look)
{
    return atomic_load_explicit(&look->answered, memory_order_acquire) ==
           atomic_load_explicit(&look->asked, memory_order_relaxed);
}

static void answer(struct aggr_look *look)
{
    look->in_lua = !look->doubtful;
    atomic_store_explicit(&look->answered, look->taken, memory_order_release);
}

/* In the coroutine `co`, or where the task has resumed it. */
static void find(struct aggr_look *look, struct aggr_place *place, lua_State *co, bool in_hook)
{
    const struct aggr_task *task = look->sched->current;
    const struct aggr_vmstate *vm = in_hook ? NULL : &look->vm;
    struct aggr_place outer;
    if (aggr_place_find(place, names_of(look), vm, co) || !task || task->co == co)
        return;
    if (aggr_place_find(&outer, names_of(look), &look->vm, task->co))
        *place = outer;
}

/* The time since the last instruction went to the line that it was on. */
static void watch(struct aggr_look *look, lua_State *L, uint64_t now_ns)
{
    if (look->tally_count == 0)
        look->due_ns = now_ns + WATCH_NS;
    else
        look->tallies[look->tally_last].spent_ns += now_ns - look->watched_ns;
    struct aggr_place place;
    find(look, &place, L, true);
    int i = 0;
    while (i < look->tally_count && !aggr_place_equal(&look->tallies[i].place, &place))
        i++;
    if (i == AGGR_LOOK_TALLIES)
        i--; /* lines enough: the rest is one */
    if (i == look->tally_count)
        look->tallies[look->tally_count++] = (struct aggr_tally){.place = place};
    look->tally_last = i;
    look->watched_ns = aggr_slice_clock();
}

static void choose_most(struct aggr_look *look)
{
    int most = 0;
    for (int i = 1; i < look->tally_count; i++)
        if (look->tallies[i].spent_ns > look->tallies[most].spent_ns)
            most = i;
    look->place = look->tallies[most].place;
}

static void on_instruction(lua_State *L, lua_Debug *ar)
{
    struct aggr_look *look = aggr_state_of(L)->sched->slice->look;
    (void)ar;
    look->hooks++;
    if (!aggr_look_answered(look)) {
        uint64_t now_ns = aggr_slice_clock();
        if (look->doubtful && (look->tally_count == 0 || now_ns < look->due_ns)) {
            watch(look, L, now_ns);
            return;
        }
        if (look->doubtful)
            choose_most(look);
        else
            find(look, &look->place, L, true);
        answer(look);
    }
    aggr_interrupt_clear(L);
}

/* A C function that has been at it since the last signal at least: no instruction has run, and no
 * stack moves. */
static lua_State *settled_c(const struct aggr_look *look)
{
    const struct aggr_state *state = aggr_state_of(look->sched->L);
    if (look->hooks != look->hooks_before || state->moving ||
        aggr_slice_clock() < state->settled_ns)
        return NULL;
    return aggr_vmstate_in_c(&look->vm);
}

bool aggr_look_is_tail_call(const struct aggr_look *look)
{
    lua_State *co = settled_c(look);
    return co && aggr_place_is_tail_call(co);
}

static void begin(struct aggr_look *look, uint64_t question)
{
    look->taken = question;
    look->tally_count = 0;
    look->doubtful = aggr_vmstate_in_c(&look->vm) != NULL;
}

void aggr_look_open(struct aggr_look *look, struct aggr_sched *sched)
{
    *look = (struct aggr_look){.sched = sched};
    aggr_vmstate_find(&look->vm, sched->L);
}

void aggr_look_forget(struct aggr_look *look)
{
    aggr_interrupt_clear(look->sched->L);
}

void aggr_look_on_signal(struct aggr_look *look)
{
    uint64_t question = atomic_load(&look->asked);
    if (look->taken != question) {
        begin(look, question);
    } else if (!aggr_look_answered(look)) {
        lua_State *co = settled_c(look);
        look->doubtful = true; /* something has kept the hook from firing */
        if (co) {
            find(look, &look->place, co, false);
            answer(look); /* the hook clears itself */
        }
    }
    look->hooks_before = look->hooks;
    bool is_killed = look->sched->break_due_ns > 0; /* then the hook is not ours */
    if (!aggr_look_answered(look) && !is_killed)
        aggr_interrupt_set(&look->sched->interrupt, look->sched->L, on_instruction);
}
