#include "task/look.h"
#include "task/interrupt.h"
#include "task/sched.h"
#include "task/state.h"
#include "task/task.h"
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* How long the hook watches at most, when it cannot trust the line that it finds. */
static const uint64_t WATCH_NS = 3 * AGGR_NS_PER_MS;
/* Whatever the VM does between two instructions takes less, as long as no C function is called. */
static const uint64_t SETTLED_NS = AGGR_NS_PER_MS / 4;

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
    look->sched->interrupt.fired++;
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

static struct aggr_look_trail read_trail(const struct aggr_look *look)
{
    struct timespec cpu = {0};
    struct rusage usage = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    getrusage(RUSAGE_THREAD, &usage);
    return (struct aggr_look_trail){
        .fired = look->sched->interrupt.fired,
        .cpu_ns = (uint64_t)cpu.tv_sec * AGGR_NS_PER_S + (uint64_t)cpu.tv_nsec,
        .waits = usage.ru_nvcsw,
    };
}

/* A C function that has been at it since the last signal at least: no instruction has run although
 * this thread has (signals may come one behind the other), or it waits in the system; and no stack
 * moves. */
static lua_State *settled_c(const struct aggr_look *look)
{
    const struct aggr_state *state = aggr_state_of(look->sched->L);
    struct aggr_look_trail now = read_trail(look);
    bool has_run = now.cpu_ns - look->before.cpu_ns > SETTLED_NS;
    bool has_waited = now.waits != look->before.waits;
    if (state->finalizers > 0 || now.fired != look->before.fired || !(has_run || has_waited) ||
        state->moving || aggr_slice_clock() < state->settled_ns)
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

/* No hook fires in there, so that nothing tells Lua code from a C function that is just returning.
 */
static void answer_finalizer(struct aggr_look *look, uint64_t question)
{
    look->taken = question;
    look->doubtful = true;
    look->place = (struct aggr_place){.called = "a finalizer"};
    answer(look);
}

void aggr_look_on_signal(struct aggr_look *look)
{
    uint64_t question = atomic_load(&look->asked);
    if (aggr_state_of(look->sched->L)->finalizers > 0) {
        answer_finalizer(look, question);
    } else if (look->taken != question) {
        begin(look, question);
    } else if (!aggr_look_answered(look)) {
        lua_State *co = settled_c(look);
        look->doubtful = true; /* something has kept the hook from firing */
        if (co) {
            find(look, &look->place, co, false);
            answer(look); /* the hook clears itself */
        }
    }
    look->before = read_trail(look);
    bool is_killed = look->sched->break_due_ns > 0; /* then the hook is not ours */
    if (!aggr_look_answered(look) && !is_killed)
        aggr_interrupt_set(&look->sched->interrupt, look->sched->L, on_instruction);
}
