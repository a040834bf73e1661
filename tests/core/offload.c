/* Threads of our own: their order, what is abandoned, what each keeps for its jobs, and the end. */
#include "io/offload.h"
#include "base/clock.h"
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS = 8 };

struct world {
    struct aggr_loop loop;
    struct aggr_offload *offload;
};

struct job {
    struct aggr_job job;
    int name;
    bool waits; /* at the gate */
};

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static int at_gate;
static atomic_int begun, ended, destroyed;
static char runs[64];  /* in their order; under the gate's lock */
static char heard[64]; /* on the loop */

static void note(char *log, const char *what, int name)
{
    size_t len = strlen(log);
    snprintf(log + len, 64 - len, "%s%d ", what, name);
}

static void *begin(void)
{
    atomic_fetch_add(&begun, 1);
    return malloc(1);
}

static void end(void *local)
{
    atomic_fetch_add(&ended, 1);
    free(local);
}

static void run(struct aggr_job *self)
{
    struct job *job = (struct job *)self;
    aggr_offload_weigh(100);
    pthread_mutex_lock(&gate);
    at_gate++;
    pthread_cond_broadcast(&moved);
    while (job->waits && !gate_open)
        pthread_cond_wait(&moved, &gate);
    at_gate--;
    note(runs, aggr_offload_local() ? "" : "lost", job->name);
    pthread_mutex_unlock(&gate);
}

static void on_done(struct aggr_job *self)
{
    note(heard, "done", ((struct job *)self)->name);
}

static void on_late(struct aggr_job *self)
{
    note(heard, "late", ((struct job *)self)->name);
}

static void destroy(struct aggr_job *self)
{
    atomic_fetch_add(&destroyed, 1);
    free(self);
}

static void set_up(struct world *world, unsigned working_max)
{
    struct aggr_offload_options options = {.working_max = working_max,
                                           .threads_max = JOBS,
                                           .stack_bytes = 256 * 1024,
                                           .begin = begin,
                                           .end = end,
                                           .leave_ms = 10000};
    CHECK(aggr_loop_init(&world->loop, &aggr_clock_system) == AGGR_OK);
    CHECK(aggr_offload_new(&world->loop, &options, &world->offload) == AGGR_OK);
    begun = ended = destroyed = 0;
    runs[0] = heard[0] = '\0';
    gate_open = false;
}

static void tear_down(struct world *world)
{
    aggr_offload_free(world->offload);
    CHECK(aggr_loop_deinit(&world->loop) == 0);
}

static struct aggr_job *submit(struct world *world, int name, bool waits)
{
    struct job *job = calloc(1, sizeof *job);
    *job = (struct job){{.run = run, .on_done = on_done, .on_late = on_late, .destroy = destroy},
                        .name = name,
                        .waits = waits};
    CHECK(aggr_offload_submit(world->offload, &job->job) == AGGR_OK);
    return &job->job;
}

static void await_at_gate(int count)
{
    pthread_mutex_lock(&gate);
    while (at_gate < count)
        pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate);
    gate_open = true;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&gate);
}

static void turn_until_destroyed(struct world *world, int count)
{
    while (atomic_load(&destroyed) < count)
        aggr_loop_turn(&world->loop, true);
}

static void one_thread_serves_in_order(void)
{
    struct world world;
    set_up(&world, 1);
    submit(&world, 1, true);
    await_at_gate(1);
    struct aggr_job *unwanted = submit(&world, 2, false);
    submit(&world, 3, false);
    struct aggr_offload_stats stats = aggr_offload_stats(world.offload);
    CHECK(stats.threads == 1 && stats.running == 1 && stats.queued == 2 && stats.bytes == 100);
    aggr_offload_abandon(unwanted);
    CHECK(destroyed == 1);
    open_gate();
    turn_until_destroyed(&world, 3);
    CHECK_STR(runs, "1 3 ");
    CHECK_STR(heard, "done1 done3 ");
    CHECK(world.loop.in_flight == 0);
    tear_down(&world);
    CHECK(begun == 1 && ended == 1);
}

static void what_is_abandoned_leaves_its_place_and_is_told_of_late(void)
{
    struct world world;
    set_up(&world, 1);
    struct aggr_job *hanging = submit(&world, 1, true);
    await_at_gate(1);
    aggr_offload_abandon(hanging);
    CHECK(world.loop.in_flight == 0);
    submit(&world, 2, false);
    turn_until_destroyed(&world, 1);
    CHECK_STR(heard, "done2 ");
    open_gate();
    turn_until_destroyed(&world, 2);
    CHECK_STR(runs, "2 1 ");
    CHECK_STR(heard, "done2 late1 ");
    tear_down(&world);
    CHECK(begun == 2 && ended == 2);
}

/* Free waits for the threads that have nothing to do, and for no others. */
static void the_end_waits_for_idle_threads_alone(void)
{
    struct world world;
    set_up(&world, 2);
    struct aggr_job *hanging = submit(&world, 1, true);
    await_at_gate(1);
    submit(&world, 2, false);
    turn_until_destroyed(&world, 1);
    aggr_offload_abandon(hanging);
    uint64_t from_ns = uv_hrtime();
    tear_down(&world);
    CHECK(uv_hrtime() - from_ns < 5 * AGGR_NS_PER_S);
    CHECK(begun == 2 && ended == 1 && destroyed == 1);
    open_gate();
    while (atomic_load(&ended) < 2)
        uv_sleep(1);
    CHECK(destroyed == 2);
    CHECK_STR(runs, "2 1 ");
    CHECK_STR(heard, "done2 ");
}

int main(void)
{
    one_thread_serves_in_order();
    what_is_abandoned_leaves_its_place_and_is_told_of_late();
    the_end_waits_for_idle_threads_alone();
    return check_report();
}
