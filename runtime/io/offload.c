#include "io/offload.h"
#include "base/list.h"
#include "base/mem.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>

enum { LINGER_S = 5, STACK_LEAST = 256 * 1024 };

static const struct aggr_offload_options for_what_blocks = {
    .working_max = 64, .threads_max = 512, .patience_ms = 250, .stack_bytes = STACK_LEAST};

enum job_state { QUEUED, RUNNING, SLOW, DONE, ENDED, ABANDONED };

/* What the threads share with the loop. It lives until the loop's side has let go and the last
 * thread has ended, whichever comes later. */
struct shared {
    pthread_mutex_t lock;
    pthread_cond_t wanted; /* a job may be taken, or closed was set */
    pthread_cond_t left;   /* a thread has ended after that */
    struct aggr_offload_options options;
    /* Of jobs: queued; running, the longest first, without the slow and the abandoned ones; done.
     */
    struct aggr_list queue, running, done;
    unsigned queued, threads, idle;
    unsigned working;      /* the length of running */
    unsigned busy;         /* threads with a job, whatever has become of it */
    size_t bytes;          /* what all threads weigh */
    bool closed, released; /* the loop's side takes no answers any more; nor looks at this */
    uv_async_t *async;
};

struct thread {
    struct shared *shared;
    void *local;
    size_t bytes;
};

static _Thread_local struct thread *this_thread;

struct aggr_offload {
    struct aggr_loop *loop;
    struct shared *shared;
    uv_async_t async;
    uv_timer_t patience; /* runs while jobs queue */
    int handles;         /* of the two that are not closed yet */
};

static struct aggr_job *shift(struct aggr_list *list)
{
    struct aggr_list *link = aggr_list_shift(list);
    return link ? AGGR_LIST_ENTRY(link, struct aggr_job, link) : NULL;
}

static void shared_free(struct shared *shared)
{
    pthread_cond_destroy(&shared->wanted);
    pthread_cond_destroy(&shared->left);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

/* Under the lock: `job`, which may be running, no longer counts. */
static void uncount(struct shared *shared, struct aggr_job *job, enum job_state state)
{
    if (job->state == RUNNING) {
        aggr_list_remove(&job->link);
        shared->working--;
    }
    job->state = state;
}

/* Under the lock. False: there is no loop any more to give the job to. */
static bool finish_run(struct shared *shared, struct aggr_job *job)
{
    if (shared->closed)
        return false;
    if (job->state != ABANDONED)
        uncount(shared, job, DONE);
    aggr_list_push(&shared->done, &job->link);
    uv_async_send(shared->async);
    return true;
}

static struct aggr_job *take(struct shared *shared)
{
    struct aggr_job *job = shift(&shared->queue);
    shared->queued--;
    shared->working++;
    job->state = RUNNING;
    job->begun_ns = uv_hrtime();
    aggr_list_push(&shared->running, &job->link);
    return job;
}

/* Under the lock: a job that may run now, or NULL when the thread should end. */
static struct aggr_job *next_job(struct shared *shared)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LINGER_S;
    for (bool late = false;;) {
        if (shared->closed)
            return NULL;
        if (shared->queued > 0 && shared->working < shared->options.working_max)
            return take(shared);
        if (late)
            return NULL;
        shared->idle++;
        late = pthread_cond_timedwait(&shared->wanted, &shared->lock, &until) != 0;
        shared->idle--;
    }
}

/* Under the lock, which it leaves meanwhile. */
static void run_job(struct shared *shared, struct aggr_job *job)
{
    shared->busy++;
    pthread_mutex_unlock(&shared->lock);
    job->run(job);
    pthread_mutex_lock(&shared->lock);
    shared->busy--;
    if (finish_run(shared, job))
        return;
    pthread_mutex_unlock(&shared->lock);
    job->destroy(job);
    pthread_mutex_lock(&shared->lock);
}

static void *work(void *arg)
{
    struct thread self = {.shared = arg};
    struct shared *shared = arg;
    struct aggr_job *job;
    this_thread = &self;
    if (shared->options.begin)
        self.local = shared->options.begin();
    pthread_mutex_lock(&shared->lock);
    shared->idle--;
    while ((job = next_job(shared)))
        run_job(shared, job);
    pthread_mutex_unlock(&shared->lock);
    if (self.local)
        shared->options.end(self.local);
    this_thread = NULL;
    pthread_mutex_lock(&shared->lock);
    shared->bytes -= self.bytes;
    bool last = --shared->threads == 0 && shared->released;
    pthread_cond_signal(&shared->left);
    pthread_mutex_unlock(&shared->lock);
    if (last)
        shared_free(shared);
    return NULL;
}

void *aggr_offload_local(void)
{
    return this_thread ? this_thread->local : NULL;
}

void aggr_offload_weigh(size_t bytes)
{
    struct shared *shared = this_thread->shared;
    pthread_mutex_lock(&shared->lock);
    shared->bytes += bytes - this_thread->bytes;
    this_thread->bytes = bytes;
    pthread_mutex_unlock(&shared->lock);
}

/* The system may refuse a big stack where memory is limited (ulimit -v). */
static int create_thread(struct shared *shared, pthread_attr_t *attr)
{
    pthread_t thread;
    int rc = EAGAIN;
    for (size_t size = shared->options.stack_bytes; rc != 0 && size >= STACK_LEAST; size /= 4) {
        pthread_attr_setstacksize(attr, size);
        rc = pthread_create(&thread, attr, work, shared);
    }
    return rc;
}

/* Under the lock. Signals are the main thread's business. */
static enum aggr_err start_thread(struct shared *shared)
{
    pthread_attr_t attr;
    sigset_t all, before;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = create_thread(shared, &attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        return AGGR_ERR_SYSTEM;
    shared->threads++;
    shared->idle++; /* until it has come to look for a job */
    return AGGR_OK;
}

/* Under the lock: see that somebody takes the first queued job. */
static enum aggr_err staff(struct shared *shared)
{
    unsigned most = shared->options.working_max;
    if (shared->queued == 0 || shared->working >= most)
        return AGGR_OK;
    pthread_cond_signal(&shared->wanted);
    if (shared->idle >= shared->queued || shared->working + shared->idle >= most ||
        shared->threads >= shared->options.threads_max)
        return AGGR_OK;
    return start_thread(shared);
}

static void count_gone(struct aggr_offload *offload, struct aggr_job *job)
{
    aggr_ledger_gone(&offload->loop->ledger, AGGR_LEDGER_JOBS, (uintptr_t)job, 1);
}

static void answer(struct aggr_offload *offload, struct aggr_job *job)
{
    count_gone(offload, job);
    if (job->state == DONE) {
        job->state = ENDED;
        offload->loop->in_flight--;
        job->on_done(job);
    } else if (job->on_late) {
        job->on_late(job);
    }
    job->destroy(job);
}

static void on_async(uv_async_t *async)
{
    struct aggr_offload *offload = AGGR_LIST_ENTRY(async, struct aggr_offload, async);
    struct shared *shared = offload->shared;
    for (;;) {
        pthread_mutex_lock(&shared->lock);
        struct aggr_job *job = shift(&shared->done);
        pthread_mutex_unlock(&shared->lock);
        if (!job)
            return;
        answer(offload, job);
    }
}

static void on_patience(uv_timer_t *timer);

/* Under the lock: while jobs queue, look at times whether those that run should stop counting. */
static void watch_slow(struct aggr_offload *offload)
{
    struct shared *shared = offload->shared;
    unsigned patience_ms = shared->options.patience_ms;
    if (shared->queued > 0 && patience_ms && !uv_is_active((uv_handle_t *)&offload->patience))
        uv_timer_start(&offload->patience, on_patience, patience_ms, 0);
}

static void on_patience(uv_timer_t *timer)
{
    struct aggr_offload *offload = AGGR_LIST_ENTRY(timer, struct aggr_offload, patience);
    struct shared *shared = offload->shared;
    pthread_mutex_lock(&shared->lock);
    uint64_t now_ns = uv_hrtime();
    unsigned room = shared->working >= shared->options.working_max ? shared->queued : 0;
    for (; room > 0 && !aggr_list_empty(&shared->running); room--) {
        struct aggr_job *job = AGGR_LIST_ENTRY(shared->running.next, struct aggr_job, link);
        if (now_ns - job->begun_ns < shared->options.patience_ms * AGGR_NS_PER_MS)
            break;
        uncount(shared, job, SLOW);
        staff(shared);
    }
    watch_slow(offload);
    pthread_mutex_unlock(&shared->lock);
    aggr_loop_stir(offload->loop);
}

enum aggr_err aggr_offload_new(struct aggr_loop *loop, const struct aggr_offload_options *options,
                               struct aggr_offload **out)
{
    struct aggr_offload *offload = aggr_mem_new(1, sizeof *offload);
    if (uv_async_init(&loop->uv, &offload->async, on_async) != 0) {
        free(offload);
        return AGGR_ERR_SYSTEM;
    }
    AGGR_CHECK(uv_timer_init(&loop->uv, &offload->patience) == 0);
    struct shared *shared = aggr_mem_new(1, sizeof *shared);
    pthread_mutex_init(&shared->lock, NULL);
    pthread_cond_init(&shared->wanted, NULL);
    pthread_cond_init(&shared->left, NULL);
    shared->options = options ? *options : for_what_blocks;
    aggr_list_init(&shared->queue);
    aggr_list_init(&shared->running);
    aggr_list_init(&shared->done);
    shared->async = &offload->async;
    offload->shared = shared;
    offload->loop = loop;
    offload->handles = 2;
    *out = offload;
    return AGGR_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct aggr_offload *offload = handle->data;
    if (--offload->handles == 0)
        free(offload);
}

static void close_handle(struct aggr_offload *offload, uv_handle_t *handle)
{
    handle->data = offload;
    uv_close(handle, on_closed);
}

static void destroy_all(struct aggr_offload *offload, struct aggr_list *list)
{
    struct aggr_job *job;
    while ((job = shift(list))) {
        count_gone(offload, job);
        job->destroy(job);
    }
}

/* Under the lock. */
static void await_idle_threads(struct shared *shared)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(shared->options.leave_ms * AGGR_NS_PER_MS);
    until.tv_sec += until.tv_nsec / (long)AGGR_NS_PER_S;
    until.tv_nsec %= (long)AGGR_NS_PER_S;
    bool late = shared->options.leave_ms == 0;
    while (shared->threads > shared->busy && !late)
        late = pthread_cond_timedwait(&shared->left, &shared->lock, &until) != 0;
}

void aggr_offload_free(struct aggr_offload *offload)
{
    if (!offload)
        return;
    struct shared *shared = offload->shared;
    pthread_mutex_lock(&shared->lock);
    shared->closed = true; /* from here on no thread touches the lists or the async */
    pthread_cond_broadcast(&shared->wanted);
    destroy_all(offload, &shared->queue);
    destroy_all(offload, &shared->done);
    await_idle_threads(shared);
    shared->released = true;
    bool last = shared->threads == 0;
    pthread_mutex_unlock(&shared->lock);
    if (last)
        shared_free(shared);
    close_handle(offload, (uv_handle_t *)&offload->async);
    close_handle(offload, (uv_handle_t *)&offload->patience);
}

struct aggr_offload_stats aggr_offload_stats(struct aggr_offload *offload)
{
    if (!offload)
        return (struct aggr_offload_stats){0};
    struct shared *s = offload->shared;
    pthread_mutex_lock(&s->lock);
    struct aggr_offload_stats stats = {s->threads, s->busy, s->queued, s->bytes};
    pthread_mutex_unlock(&s->lock);
    return stats;
}

enum aggr_err aggr_offload_submit(struct aggr_offload *offload, struct aggr_job *job)
{
    struct shared *shared = offload->shared;
    job->offload = offload;
    job->state = QUEUED;
    pthread_mutex_lock(&shared->lock);
    aggr_list_push(&shared->queue, &job->link);
    shared->queued++;
    enum aggr_err err = staff(shared);
    if (err && shared->threads > 0)
        err = AGGR_OK; /* one of them will come to it */
    if (err) {
        aggr_list_remove(&job->link);
        shared->queued--;
    } else {
        offload->loop->in_flight++;
        aggr_ledger_made(&offload->loop->ledger, AGGR_LEDGER_JOBS, (uintptr_t)job, 1, NULL);
    }
    watch_slow(offload);
    pthread_mutex_unlock(&shared->lock);
    return err;
}

void aggr_offload_abandon(struct aggr_job *job)
{
    struct aggr_offload *offload = job->offload;
    struct shared *shared = offload->shared;
    pthread_mutex_lock(&shared->lock);
    bool queued = job->state == QUEUED;
    bool wanted = job->state != ENDED && job->state != ABANDONED;
    if (queued) {
        aggr_list_remove(&job->link);
        shared->queued--;
    }
    if (wanted) {
        uncount(shared, job, ABANDONED);
        offload->loop->in_flight--;
    }
    staff(shared);
    pthread_mutex_unlock(&shared->lock);
    if (!queued)
        return;
    count_gone(offload, job);
    job->destroy(job);
}
