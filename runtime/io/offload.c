#include "io/offload.h"
#include "base/mem.h"
#include "io/offload_threads.h"

enum { STACK_BYTES = 256 * 1024 };

static const struct aggr_offload_options for_what_blocks = {
    .working_max = 64, .threads_max = 512, .patience_ms = 250, .stack_bytes = STACK_BYTES};

struct aggr_offload {
    struct aggr_loop *loop;
    struct aggr_offload_shared *shared;
    uv_async_t async;
    uv_timer_t patience; /* runs while jobs queue */
    int handles;         /* of the two that are not closed yet */
};

static void count_gone(struct aggr_offload *offload, struct aggr_job *job)
{
    aggr_ledger_gone(&offload->loop->ledger, AGGR_LEDGER_JOBS, (uintptr_t)job, 1);
}

static void answer(struct aggr_offload *offload, struct aggr_job *job)
{
    count_gone(offload, job);
    if (job->state == AGGR_OFFLOAD_DONE) {
        job->state = AGGR_OFFLOAD_ENDED;
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
    struct aggr_offload_shared *shared = offload->shared;
    for (;;) {
        pthread_mutex_lock(&shared->lock);
        struct aggr_job *job = aggr_offload_threads_shift(&shared->done);
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
    struct aggr_offload_shared *shared = offload->shared;
    unsigned patience_ms = shared->options.patience_ms;
    if (shared->queued > 0 && patience_ms && !uv_is_active((uv_handle_t *)&offload->patience))
        uv_timer_start(&offload->patience, on_patience, patience_ms, 0);
}

static void on_patience(uv_timer_t *timer)
{
    struct aggr_offload *offload = AGGR_LIST_ENTRY(timer, struct aggr_offload, patience);
    struct aggr_offload_shared *shared = offload->shared;
    pthread_mutex_lock(&shared->lock);
    uint64_t now_ns = uv_hrtime();
    unsigned room = shared->working >= shared->options.working_max ? shared->queued : 0;
    for (; room > 0 && !aggr_list_empty(&shared->running); room--) {
        struct aggr_job *job = AGGR_LIST_ENTRY(shared->running.next, struct aggr_job, link);
        if (now_ns - job->begun_ns < shared->options.patience_ms * AGGR_NS_PER_MS)
            break;
        aggr_offload_threads_uncount(shared, job, AGGR_OFFLOAD_SLOW);
        aggr_offload_threads_staff(shared);
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
    offload->shared =
        aggr_offload_threads_new(options ? options : &for_what_blocks, &offload->async);
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
    while ((job = aggr_offload_threads_shift(list))) {
        count_gone(offload, job);
        job->destroy(job);
    }
}

void aggr_offload_free(struct aggr_offload *offload)
{
    if (!offload)
        return;
    struct aggr_offload_shared *shared = offload->shared;
    pthread_mutex_lock(&shared->lock);
    aggr_offload_threads_close(shared);
    destroy_all(offload, &shared->queue);
    destroy_all(offload, &shared->done);
    pthread_mutex_unlock(&shared->lock);
    aggr_offload_threads_release(shared);
    close_handle(offload, (uv_handle_t *)&offload->async);
    close_handle(offload, (uv_handle_t *)&offload->patience);
}

struct aggr_offload_stats aggr_offload_stats(struct aggr_offload *offload)
{
    if (!offload)
        return (struct aggr_offload_stats){0};
    struct aggr_offload_shared *s = offload->shared;
    pthread_mutex_lock(&s->lock);
    struct aggr_offload_stats stats = {s->threads, s->busy, s->queued, s->bytes};
    pthread_mutex_unlock(&s->lock);
    return stats;
}

enum aggr_err aggr_offload_submit(struct aggr_offload *offload, struct aggr_job *job)
{
    struct aggr_offload_shared *shared = offload->shared;
    job->offload = offload;
    job->state = AGGR_OFFLOAD_QUEUED;
    pthread_mutex_lock(&shared->lock);
    aggr_list_push(&shared->queue, &job->link);
    shared->queued++;
    enum aggr_err err = aggr_offload_threads_staff(shared);
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
    struct aggr_offload_shared *shared = offload->shared;
    pthread_mutex_lock(&shared->lock);
    bool queued = job->state == AGGR_OFFLOAD_QUEUED;
    bool wanted = job->state != AGGR_OFFLOAD_ENDED && job->state != AGGR_OFFLOAD_ABANDONED;
    if (queued) {
        aggr_list_remove(&job->link);
        shared->queued--;
    }
    if (wanted) {
        aggr_offload_threads_uncount(shared, job, AGGR_OFFLOAD_ABANDONED);
        offload->loop->in_flight--;
    }
    aggr_offload_threads_staff(shared);
    pthread_mutex_unlock(&shared->lock);
    if (!queued)
        return;
    count_gone(offload, job);
    job->destroy(job);
}
