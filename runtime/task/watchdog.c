#include "task/watchdog.h"
#include "base/mem.h"
#include "task/kill.h"
#include "task/sched.h"
#include "task/spots.h"
#include "task/stall.h"
#include "task/task.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SIGNAL_LOOK = SIGURG,
    SIGNAL_KILL = SIGVTALRM,
    EXIT_STALLED = 70,
    EAGER_LOOKS = 20, /* a millisecond apart, then one per tick */
    EAGER_KILLS = 20,
    STACK_BYTES = 256 * 1024,
};

/* Looked for so long ahead of the limit, so that the answer is there when it passes. */
static const uint64_t LEAD_NS = 3 * AGGR_NS_PER_MS;
static const uint64_t LOOK_EVERY_NS = 100 * AGGR_NS_PER_MS;
static const uint64_t LONGEST_TICK_NS = 25 * AGGR_NS_PER_MS;
/* Whoever sleeps that much longer than asked was stopped, and so was the task. */
static const uint64_t STOPPED_NS = 500 * AGGR_NS_PER_MS;

struct aggr_watchdog {
    struct aggr_watchdog_options options;
    struct aggr_sched *sched;
    struct aggr_slice slice;
    struct aggr_look look;
    struct aggr_kill kill;
    struct aggr_stalls stalls;
    uint64_t first_limit_ns, tick_ns;
    struct sigaction before_look, before_kill; /* what was there */
    atomic_bool may_kill;
    _Atomic long preemptions; /* of the loop's thread, when it was last asked */
    pthread_t thread, loop_thread;
    pthread_cond_t wake;
    pthread_mutex_t lock; /* of all below */
    bool closing, stopping;
    uint64_t number;         /* the slice that the others are about */
    uint64_t stopped_ns;     /* the process was stopped for so long during it */
    uint64_t next_look_ns;   /* its age then */
    bool is_asked;           /* where it is */
    unsigned looks, kills;   /* signals sent */
    struct aggr_spots spots; /* where it was, as far as is known */
};

/* For the signal handlers. */
static struct aggr_watchdog *_Atomic active;

/* The slice that a signal is about; 0 when that has ended meanwhile. */
static uint64_t current_slice(struct aggr_watchdog *self)
{
    uint64_t number = atomic_load_explicit(&self->slice.number, memory_order_relaxed);
    bool inside = atomic_load_explicit(&self->slice.entered_ns, memory_order_relaxed) != 0;
    return inside && atomic_load(&self->slice.noticed) == number ? number : 0;
}

static void on_look(int signal)
{
    struct aggr_watchdog *self = atomic_load(&active);
    int saved = errno;
    uint64_t number = self ? current_slice(self) : 0;
    (void)signal;
    if (number > 0) {
        atomic_store(&self->preemptions, aggr_spots_preemptions());
        aggr_look_on_signal(&self->look);
    }
    errno = saved;
}

static void kill_now(struct aggr_watchdog *self, struct aggr_task *task)
{
    bool is_tail_call = aggr_look_is_tail_call(&self->look);
    aggr_task_kill(task, &self->kill);
    if (is_tail_call) /* interrupted, it gives a wrong result, which nobody must see */
        aggr_kill_break(self->sched, true);
}

static void on_kill(int signal)
{
    struct aggr_watchdog *self = atomic_load(&active);
    int saved = errno;
    struct aggr_task *task = self && current_slice(self) > 0 ? self->sched->current : NULL;
    (void)signal;
    if (task && task->killed)
        aggr_kill_break(self->sched, false); /* the request may have got lost */
    else if (task && atomic_load(&self->may_kill))
        kill_now(self, task);
    errno = saved;
}

/* Where the slice that ends has spent most of its time, and how. */
static void describe(struct aggr_watchdog *self, struct aggr_stall *stall, uint64_t now_ns)
{
    bool is_answered = self->is_asked && aggr_look_answered(&self->look);
    aggr_spots_spend(&self->spots, is_answered ? &self->look.place : NULL, now_ns,
                     aggr_spots_preemptions());
    if (is_answered)
        aggr_spots_looked(&self->spots, self->look.in_lua);
    aggr_spots_describe(&self->spots, stall);
}

/* On the loop's thread, at the end of a noticed slice. */
static void on_noticed(struct aggr_slice *slice)
{
    struct aggr_watchdog *self = AGGR_LIST_ENTRY(slice, struct aggr_watchdog, slice);
    uint64_t now_ns = aggr_slice_clock();
    uint64_t took_ns = now_ns - atomic_load(&slice->entered_ns);
    aggr_look_forget(&self->look);
    if (self->options.stall_ns == 0 || took_ns < self->options.stall_ns)
        return;
    struct aggr_stall stall = {.seconds = (double)took_ns / (double)AGGR_NS_PER_S,
                               .killed = self->sched->current->killed};
    pthread_mutex_lock(&self->lock);
    describe(self, &stall, now_ns);
    pthread_mutex_unlock(&self->lock);
    aggr_stalls_add(&self->stalls, &stall);
    slice->has_stalled = true;
}

static void before_turn(struct aggr_slice *slice)
{
    aggr_stalls_before_turn(&AGGR_LIST_ENTRY(slice, struct aggr_watchdog, slice)->stalls);
}

static void after_turn(struct aggr_slice *slice)
{
    aggr_stalls_after_turn(&AGGR_LIST_ENTRY(slice, struct aggr_watchdog, slice)->stalls);
}

static uint64_t ahead_of(uint64_t limit_ns)
{
    return limit_ns > 2 * LEAD_NS ? limit_ns - LEAD_NS : limit_ns / 2;
}

/* A slice that was not there at the last look. */
static void begin_slice(struct aggr_watchdog *self, uint64_t number, uint64_t now_ns)
{
    self->number = number;
    self->stopped_ns = 0;
    self->next_look_ns = ahead_of(self->first_limit_ns);
    self->is_asked = false;
    self->kills = 0;
    aggr_spots_begin(&self->spots, now_ns);
}

static void end_process(struct aggr_watchdog *self, uint64_t age_ns)
{
    static const struct aggr_place nowhere, at_the_end = {.called = "a finalizer"};
    const struct aggr_place *last = self->closing ? &at_the_end : aggr_spots_last(&self->spots);
    double seconds = (double)age_ns / (double)AGGR_NS_PER_S;
    self->options.on_hard_stall(self->options.context, seconds, last ? last : &nowhere);
    _exit(EXIT_STALLED);
}

static uint64_t min_ns(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The first limit that there is. */
static uint64_t first_limit_ns(const struct aggr_watchdog_options *options)
{
    uint64_t limits[] = {options->stall_ns, options->slice_ns, options->hard_ns};
    uint64_t first_ns = AGGR_NEVER;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i] > 0)
            first_ns = min_ns(first_ns, limits[i]);
    return first_ns;
}

/* Asks where the task is, at times, and until that is known; the age at which to go on. */
static uint64_t look(struct aggr_watchdog *self, uint64_t age_ns)
{
    if (age_ns < self->next_look_ns)
        return self->next_look_ns;
    if (!self->is_asked) {
        self->is_asked = true;
        self->looks = 0;
        aggr_look_ask(&self->look);
    } else if (aggr_look_answered(&self->look)) {
        aggr_spots_spend(&self->spots, &self->look.place, aggr_slice_clock(),
                         atomic_load(&self->preemptions));
        aggr_spots_looked(&self->spots, self->look.in_lua);
        self->is_asked = false;
        self->next_look_ns = age_ns + LOOK_EVERY_NS;
        return self->next_look_ns;
    }
    pthread_kill(self->loop_thread, SIGNAL_LOOK);
    return self->looks++ < EAGER_LOOKS ? age_ns + AGGR_NS_PER_MS : AGGR_NEVER;
}

/* Past --max-slice: until the task has been left. */
static uint64_t kill_task(struct aggr_watchdog *self, uint64_t age_ns)
{
    uint64_t slice_ns = self->options.slice_ns;
    if (slice_ns == 0 || !atomic_load(&self->may_kill))
        return AGGR_NEVER;
    if (age_ns < slice_ns)
        return slice_ns;
    pthread_kill(self->loop_thread, SIGNAL_KILL);
    return self->kills++ < EAGER_KILLS ? age_ns + AGGR_NS_PER_MS : AGGR_NEVER;
}

/* Past --hard-stall. */
static uint64_t end_hard(struct aggr_watchdog *self, uint64_t age_ns)
{
    uint64_t hard_ns = self->options.hard_ns;
    if (hard_ns == 0)
        return AGGR_NEVER;
    if (age_ns >= hard_ns)
        end_process(self, age_ns);
    return hard_ns;
}

/* Does what is due for a slice of this age; the age at which there is more to do. */
static uint64_t attend(struct aggr_watchdog *self, uint64_t age_ns)
{
    uint64_t look_ns = ahead_of(self->first_limit_ns);
    if (age_ns < look_ns)
        return look_ns;
    atomic_store_explicit(&self->slice.noticed, self->number, memory_order_release);
    uint64_t next_ns = end_hard(self, age_ns);
    if (self->closing) /* a state that is being closed is not asked where it is */
        return next_ns;
    next_ns = min_ns(next_ns, look(self, age_ns));
    return min_ns(next_ns, kill_task(self, age_ns));
}

/* One look at the loop's thread; when the next one is due. */
static uint64_t look_after(struct aggr_watchdog *self, uint64_t now_ns, uint64_t stopped_ns)
{
    uint64_t number = atomic_load_explicit(&self->slice.number, memory_order_acquire);
    uint64_t entered_ns = atomic_load_explicit(&self->slice.entered_ns, memory_order_acquire);
    uint64_t tick_due_ns = now_ns + self->tick_ns;
    if (entered_ns == 0 || entered_ns > now_ns ||
        atomic_load_explicit(&self->slice.number, memory_order_acquire) != number)
        return tick_due_ns;
    if (number != self->number)
        begin_slice(self, number, now_ns);
    uint64_t age_ns = now_ns - entered_ns;
    self->stopped_ns = min_ns(self->stopped_ns + stopped_ns, age_ns);
    age_ns -= self->stopped_ns;
    uint64_t next_ns = attend(self, age_ns);
    return next_ns == AGGR_NEVER ? tick_due_ns : min_ns(tick_due_ns, now_ns + (next_ns - age_ns));
}

/* Until `due_ns`, or until the watchdog is stopped. Under the lock. */
static void wait_until(struct aggr_watchdog *self, uint64_t due_ns)
{
    struct timespec due = {.tv_sec = (time_t)(due_ns / AGGR_NS_PER_S),
                           .tv_nsec = (long)(due_ns % AGGR_NS_PER_S)};
    while (!self->stopping && pthread_cond_timedwait(&self->wake, &self->lock, &due) == 0)
        continue;
}

static void *watch(void *context)
{
    struct aggr_watchdog *self = context;
    uint64_t due_ns = AGGR_NEVER;
    pthread_mutex_lock(&self->lock);
    while (!self->stopping) {
        uint64_t now_ns = aggr_slice_clock();
        bool was_stopped = due_ns < now_ns && now_ns - due_ns > STOPPED_NS;
        due_ns = look_after(self, now_ns, was_stopped ? now_ns - due_ns : 0);
        wait_until(self, due_ns);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

/* With all signals blocked: they are others' business. */
static int start_thread(struct aggr_watchdog *self)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&self->thread, &attributes, watch, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed;
}

static void install_signals(struct aggr_watchdog *self)
{
    struct sigaction look = {.sa_handler = on_look, .sa_flags = SA_RESTART};
    struct sigaction kill = {.sa_handler = on_kill};
    sigemptyset(&look.sa_mask);
    sigaddset(&look.sa_mask, SIGNAL_KILL);
    sigemptyset(&kill.sa_mask);
    sigaddset(&kill.sa_mask, SIGNAL_LOOK);
    sigaction(SIGNAL_LOOK, &look, &self->before_look);
    sigaction(SIGNAL_KILL, &kill, &self->before_kill);
}

static void write_kill(struct aggr_kill *kill, uint64_t slice_ns)
{
    kill->kind = AGGR_ERR_STALL;
    snprintf(kill->message, sizeof kill->message,
             "kept the loop for longer than %g s (--max-slice)",
             (double)slice_ns / (double)AGGR_NS_PER_S);
    snprintf(kill->hint, sizeof kill->hint, "%s",
             "aggr.work runs it off the loop; aggr.sleep(0) lets the others run in between");
}

static void deinit(struct aggr_watchdog *self)
{
    atomic_store(&active, NULL);
    self->sched->slice = NULL;
    sigaction(SIGNAL_LOOK, &self->before_look, NULL);
    sigaction(SIGNAL_KILL, &self->before_kill, NULL);
    pthread_cond_destroy(&self->wake);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

struct aggr_watchdog *aggr_watchdog_start(struct aggr_runtime *runtime, struct aggr_sched *sched,
                                          const struct aggr_watchdog_options *options)
{
    struct aggr_watchdog *self = aggr_mem_new(1, sizeof *self);
    pthread_condattr_t monotonic;
    AGGR_CHECK(atomic_load(&active) == NULL);
    self->options = *options;
    self->sched = sched;
    self->loop_thread = pthread_self();
    AGGR_CHECK(pthread_getcpuclockid(self->loop_thread, &self->spots.cpu_clock) == 0);
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    self->first_limit_ns = first_limit_ns(options);
    uint64_t quarter_ns = self->first_limit_ns / 4;
    self->tick_ns =
        min_ns(quarter_ns > AGGR_NS_PER_MS ? quarter_ns : AGGR_NS_PER_MS, LONGEST_TICK_NS);
    write_kill(&self->kill, options->slice_ns);
    aggr_look_open(&self->look, sched);
    aggr_stalls_init(&self->stalls, runtime, sched);
    self->slice.look = &self->look;
    self->slice.on_noticed = on_noticed;
    self->slice.before_turn = before_turn;
    self->slice.after_turn = after_turn;
    install_signals(self);
    atomic_store(&active, self);
    sched->slice = &self->slice;
    if (start_thread(self) == 0)
        return self;
    deinit(self);
    return NULL;
}

void aggr_watchdog_close(struct aggr_watchdog *self)
{
    if (!self)
        return;
    pthread_mutex_lock(&self->lock); /* no signal is sent after this */
    self->closing = true;
    aggr_slice_enter(&self->slice);
    pthread_mutex_unlock(&self->lock);
}

void aggr_watchdog_stop(struct aggr_watchdog *self)
{
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_signal(&self->wake);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    deinit(self);
}

void aggr_watchdog_allow_kills(struct aggr_watchdog *self, bool allow)
{
    atomic_store(&self->may_kill, allow);
}

bool aggr_watchdog_noticed(const struct aggr_watchdog *self)
{
    return atomic_load(&self->slice.noticed) == atomic_load(&self->slice.number);
}
