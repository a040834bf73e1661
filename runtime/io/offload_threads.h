/* offload_threads.h -- the threads of an offload: they take queued jobs in order, run them and give
 * them back. What they share with the loop lives until the loop's side has let go and the last
 * thread has ended, whichever comes later.
 *
 *   new -> (staff)* -> close -> release
 */
#pragma once
#include "io/offload.h"
#include <pthread.h>

enum aggr_offload_state {
    AGGR_OFFLOAD_QUEUED,
    AGGR_OFFLOAD_RUNNING,
    AGGR_OFFLOAD_SLOW,
    AGGR_OFFLOAD_DONE,
    AGGR_OFFLOAD_ENDED,
    AGGR_OFFLOAD_ABANDONED,
};

/* All but options and async under the lock. */
struct aggr_offload_shared {
    pthread_mutex_t lock;
    pthread_cond_t wanted; /* a job may be taken, or closed was set */
    pthread_cond_t left;   /* a thread has ended */
    struct aggr_offload_options options;
    /* Of jobs: queued; running, the longest first, without the slow and the abandoned ones; done.
     */
    struct aggr_list queue, running, done;
    unsigned queued, threads, idle;
    unsigned working;      /* the length of running */
    unsigned busy;         /* threads with a job, whatever has become of it */
    size_t bytes;          /* what all threads weigh */
    bool closed, released; /* the loop's side takes no answers any more; nor looks at this */
    uv_async_t *async;     /* the loop's; sent to while not closed */
};

/* Copies the options, borrows `async`. */
struct aggr_offload_shared *aggr_offload_threads_new(const struct aggr_offload_options *options,
                                                     uv_async_t *async);

/* Under the lock: see that somebody takes the first queued job. */
enum aggr_err aggr_offload_threads_staff(struct aggr_offload_shared *shared);

/* Under the lock: `job`, which may be running, no longer counts. */
void aggr_offload_threads_uncount(struct aggr_offload_shared *shared, struct aggr_job *job,
                                  enum aggr_offload_state state);

/* Under the lock: no thread touches lists or async from here on. Waits, no longer than leave_ms,
 * for those that have no job. */
void aggr_offload_threads_close(struct aggr_offload_shared *shared);

/* Closed, and not to be looked at again. */
void aggr_offload_threads_release(struct aggr_offload_shared *shared);

/* The first job of a list, off it; NULL when there is none. */
struct aggr_job *aggr_offload_threads_shift(struct aggr_list *list);
