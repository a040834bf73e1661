#include "io/offload_threads.h"
#include "base/mem.h"
#include <errno.h>
#include <signal.h>

enum { LINGER_S = 5, STACK_LEAST = 256 * 1024 };

struct thread {
    struct aggr_offload_shared *shared;
    void *local;
    size_t bytes;
};

static _Thread_local struct thread *this_thread;

struct aggr_offload_shared *aggr_offload_threads_new(const struct aggr_offload_options *options,
                                                     uv_async_t *async)
{
    struct aggr_offload_shared *shared = aggr_mem_new(1, sizeof *shared);
    pthread_mutex_init(&shared->lock, NULL);
    pthread_cond_init(&shared->wanted, NULL);
    pthread_cond_init(&shared->left, NULL);
    aggr_list_init(&shared->queue);
    aggr_list_init(&shared->running);
    aggr_list_init(&shared->done);
    shared->options = *options;
    shared->async = async;
    return shared;
}

struct aggr_job *aggr_offload_threads_shift(struct aggr_list *list)
{
    struct aggr_list *link = aggr_list_shift(list);
    return link ? AGGR_LIST_ENTRY(link, struct aggr_job, link) : NULL;
}

static void shared_free(struct aggr_offload_shared *shared)
{
    pthread_cond_destroy(&shared->wanted);
    pthread_cond_destroy(&shared->left);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

void aggr_offload_threads_uncount(struct aggr_offload_shared *shared, struct aggr_job *job,
                                  enum aggr_offload_state state)
{
    if (job->state == AGGR_OFFLOAD_RUNNING) {
        aggr_list_remove(&job->link);
        shared->working--;
    }
    job->state = state;
}

/* Under the lock. False: there is no loop any more to give the job to. */
static bool finish_run(struct aggr_offload_shared *shared, struct aggr_job *job)
{
    if (shared->closed)
        return false;
    if (job->state != AGGR_OFFLOAD_ABANDONED)
        aggr_offload_threads_uncount(shared, job, AGGR_OFFLOAD_DONE);
    aggr_list_push(&shared->done, &job->link);
    uv_async_send(shared->async);
    return true;
}

static struct aggr_job *take(struct aggr_offload_shared *shared)
{
    struct aggr_job *job = aggr_offload_threads_shift(&shared->queue);
    shared->queued--;
    shared->working++;
    job->state = AGGR_OFFLOAD_RUNNING;
    job->begun_ns = uv_hrtime();
    aggr_list_push(&shared->running, &job->link);
    return job;
}

/* Under the lock: a job that may run now, or NULL when the thread should end. */
static struct aggr_job *next_job(struct aggr_offload_shared *shared)
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
static void run_job(struct aggr_offload_shared *shared, struct aggr_job *job)
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
    struct aggr_offload_shared *shared = arg;
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
    struct aggr_offload_shared *shared = this_thread->shared;
    pthread_mutex_lock(&shared->lock);
    shared->bytes += bytes - this_thread->bytes;
    this_thread->bytes = bytes;
    pthread_mutex_unlock(&shared->lock);
}

/* The system may refuse a big stack where memory is limited (ulimit -v). */
static int create_thread(struct aggr_offload_shared *shared, pthread_attr_t *attr)
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
static enum aggr_err start_thread(struct aggr_offload_shared *shared)
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

enum aggr_err aggr_offload_threads_staff(struct aggr_offload_shared *shared)
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

/* Under the lock. */
static void await_idle_threads(struct aggr_offload_shared *shared)
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

void aggr_offload_threads_close(struct aggr_offload_shared *shared)
{
    shared->closed = true;
    pthread_cond_broadcast(&shared->wanted);
    await_idle_threads(shared);
}

void aggr_offload_threads_release(struct aggr_offload_shared *shared)
{
    pthread_mutex_lock(&shared->lock);
    shared->released = true;
    bool last = shared->threads == 0;
    pthread_mutex_unlock(&shared->lock);
    if (last)
        shared_free(shared);
}
