#include "io/offload.h"
#include "base/list.h"
#include "base/mem.h"
#include <pthread.h>
#include <signal.h>

enum { WORKING_MAX = 64, THREADS_MAX = 512, STACK_BYTES = 256 * 1024, LINGER_S = 5 };

enum job_state { QUEUED, RUNNING, DONE, ENDED, ABANDONED };

/* What the threads share with the loop. It lives until the loop's side has let go and the last
 * thread has ended, whichever comes later. */
struct shared {
    pthread_mutex_t lock;
    pthread_cond_t wanted; /* a job was queued, or closed was set */
    struct aggr_job *first, **last;
    struct aggr_job *done, **done_last;
    unsigned queued, threads, idle;
    unsigned working; /* threads with a job that nobody has abandoned */
    bool closed;      /* the loop's side has let go */
    uv_async_t *async;
};

struct aggr_offload {
    struct aggr_loop *loop;
    struct shared *shared;
    uv_async_t async;
};

static void push(struct aggr_job ***last, struct aggr_job *job)
{
    job->next = NULL;
    **last = job;
    *last = &job->next;
}

static struct aggr_job *shift(struct aggr_job **first, struct aggr_job ***last)
{
    struct aggr_job *job = *first;
    if (job && !(*first = job->next))
        *last = first;
    return job;
}

/* Under the lock. */
static void unqueue(struct shared *shared, struct aggr_job *job)
{
    struct aggr_job **at = &shared->first;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (!job->next)
        shared->last = at;
    shared->queued--;
}

static void shared_free(struct shared *shared)
{
    pthread_cond_destroy(&shared->wanted);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

/* Under the lock. False: nobody wants the job any more. */
static bool finish_run(struct shared *shared, struct aggr_job *job)
{
    if (job->state == ABANDONED || shared->closed)
        return false;
    shared->working--;
    job->state = DONE;
    push(&shared->done_last, job);
    uv_async_send(shared->async);
    return true;
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
        if (shared->first && shared->working < WORKING_MAX) {
            shared->working++;
            shared->queued--;
            struct aggr_job *job = shift(&shared->first, &shared->last);
            job->state = RUNNING;
            return job;
        }
        if (late)
            return NULL;
        shared->idle++;
        late = pthread_cond_timedwait(&shared->wanted, &shared->lock, &until) != 0;
        shared->idle--;
    }
}

static void *work(void *arg)
{
    struct shared *shared = arg;
    struct aggr_job *job;
    pthread_mutex_lock(&shared->lock);
    while ((job = next_job(shared))) {
        pthread_mutex_unlock(&shared->lock);
        job->run(job);
        pthread_mutex_lock(&shared->lock);
        if (!finish_run(shared, job)) {
            pthread_mutex_unlock(&shared->lock);
            job->destroy(job);
            pthread_mutex_lock(&shared->lock);
        }
    }
    bool last = --shared->threads == 0 && shared->closed;
    pthread_mutex_unlock(&shared->lock);
    if (last)
        shared_free(shared);
    return NULL;
}

/* Under the lock. Signals are the main thread's business. */
static enum aggr_err start_thread(struct shared *shared)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, &attr, work, shared);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        return AGGR_ERR_SYSTEM;
    shared->threads++;
    return AGGR_OK;
}

/* Under the lock: see that somebody takes the first queued job. */
static enum aggr_err staff(struct shared *shared)
{
    if (!shared->first || shared->working >= WORKING_MAX)
        return AGGR_OK;
    if (shared->idle >= shared->queued) {
        pthread_cond_signal(&shared->wanted);
        return AGGR_OK;
    }
    if (shared->threads >= THREADS_MAX)
        return AGGR_OK;
    return start_thread(shared);
}

static void answer(struct aggr_offload *offload, struct aggr_job *job)
{
    if (job->state == DONE) {
        job->state = ENDED;
        offload->loop->in_flight--;
        job->on_done(job);
    }
    job->destroy(job);
}

static void on_async(uv_async_t *async)
{
    struct aggr_offload *offload = AGGR_LIST_ENTRY(async, struct aggr_offload, async);
    struct shared *shared = offload->shared;
    for (;;) {
        pthread_mutex_lock(&shared->lock);
        struct aggr_job *job = shift(&shared->done, &shared->done_last);
        pthread_mutex_unlock(&shared->lock);
        if (!job)
            return;
        answer(offload, job);
    }
}

enum aggr_err aggr_offload_new(struct aggr_loop *loop, struct aggr_offload **out)
{
    struct aggr_offload *offload = aggr_mem_new(1, sizeof *offload);
    if (uv_async_init(&loop->uv, &offload->async, on_async) != 0) {
        free(offload);
        return AGGR_ERR_SYSTEM;
    }
    struct shared *shared = aggr_mem_new(1, sizeof *shared);
    pthread_mutex_init(&shared->lock, NULL);
    pthread_cond_init(&shared->wanted, NULL);
    shared->last = &shared->first;
    shared->done_last = &shared->done;
    shared->async = &offload->async;
    offload->shared = shared;
    offload->loop = loop;
    *out = offload;
    return AGGR_OK;
}

static void on_closed(uv_handle_t *handle)
{
    free(AGGR_LIST_ENTRY((uv_async_t *)handle, struct aggr_offload, async));
}

static void destroy_all(struct aggr_job **first, struct aggr_job ***last)
{
    struct aggr_job *job;
    while ((job = shift(first, last)))
        job->destroy(job);
}

void aggr_offload_free(struct aggr_offload *offload)
{
    if (!offload)
        return;
    struct shared *shared = offload->shared;
    pthread_mutex_lock(&shared->lock);
    shared->closed = true; /* from here on no thread touches the queues or the async */
    pthread_cond_broadcast(&shared->wanted);
    destroy_all(&shared->first, &shared->last);
    destroy_all(&shared->done, &shared->done_last);
    bool last = shared->threads == 0;
    pthread_mutex_unlock(&shared->lock);
    if (last)
        shared_free(shared);
    uv_close((uv_handle_t *)&offload->async, on_closed);
}

enum aggr_err aggr_offload_submit(struct aggr_offload *offload, struct aggr_job *job)
{
    struct shared *shared = offload->shared;
    job->offload = offload;
    job->state = QUEUED;
    pthread_mutex_lock(&shared->lock);
    push(&shared->last, job);
    shared->queued++;
    enum aggr_err err = staff(shared);
    if (err && shared->threads > 0)
        err = AGGR_OK; /* one of them will come to it */
    if (err)
        unqueue(shared, job);
    else
        offload->loop->in_flight++;
    pthread_mutex_unlock(&shared->lock);
    return err;
}

void aggr_offload_abandon(struct aggr_job *job)
{
    struct aggr_offload *offload = job->offload;
    struct shared *shared = offload->shared;
    pthread_mutex_lock(&shared->lock);
    bool queued = job->state == QUEUED;
    if (queued)
        unqueue(shared, job);
    else if (job->state == RUNNING)
        shared->working--;
    bool wanted = job->state != ENDED && job->state != ABANDONED;
    if (wanted) {
        job->state = ABANDONED;
        offload->loop->in_flight--;
    }
    staff(shared);
    pthread_mutex_unlock(&shared->lock);
    if (queued)
        job->destroy(job);
}
