/* offload.h -- work that blocks (name look-ups, files, stdin, stdout) or takes long (functions of
 * scripts) on detached threads of ours.
 *
 * Not uv's pool: exit would join it (facts 1). A job is its thread's own and may outlive the loop;
 * a limited number works at a time, the others queue, first come, first served. An abandoned job
 * leaves that count: what hangs starves nobody. Answers come back through one uv_async.
 *
 *   submit -> run on a thread -> on_done on the loop
 *   submit -> abandon -> (on_late on the loop, when it was running)
 */
#pragma once
#include "base/list.h"
#include "io/loop.h"

struct aggr_offload;

struct aggr_job {
    void (*run)(struct aggr_job *self);     /* on a thread; touches the job alone */
    void (*on_done)(struct aggr_job *self); /* on the loop, unless abandoned; frees nothing */
    void (*on_late)(struct aggr_job *self); /* on the loop: an abandoned run has ended; or NULL */
    void (*destroy)(struct aggr_job *self); /* last reference gone: frees the job; on its thread
                                               when the loop has gone before it */
    /* private to offload from here */
    struct aggr_list link; /* in one of offload's lists, or in none */
    struct aggr_offload *offload;
    uint64_t begun_ns;
    int state;
};

struct aggr_offload_options {
    unsigned working_max; /* jobs that run at a time */
    unsigned threads_max; /* with those of jobs that have left the count */
    unsigned patience_ms; /* a job that has run for so long leaves the count when others queue; 0:
                             never */
    size_t stack_bytes;   /* of a thread; less where the system does not give so much */
    void *(*begin)(void); /* on a new thread: what its jobs share, aggr_offload_local; or NULL */
    void (*end)(void *local); /* on the thread, last of all */
    unsigned leave_ms;        /* how long free waits for threads without a job to end */
};

/* `options` are copied; NULL for what blocks: 64 jobs at a time, 512 threads. */
enum aggr_err aggr_offload_new(struct aggr_loop *loop, const struct aggr_offload_options *options,
                               struct aggr_offload **out);

/* Jobs still running are abandoned; their threads end by themselves. NULL is fine. */
void aggr_offload_free(struct aggr_offload *offload);

struct aggr_offload_stats {
    unsigned threads, running, queued; /* running: abandoned ones too */
    size_t bytes;                      /* as the threads weigh what is theirs */
};

/* NULL: all zero. */
struct aggr_offload_stats aggr_offload_stats(struct aggr_offload *offload);

/* From a run: what `begin` has made for this thread. NULL on other threads. */
void *aggr_offload_local(void);

/* From a run: so many bytes are this thread's own from now on. */
void aggr_offload_weigh(size_t bytes);

/* Hands `job` over, unless this fails. It is destroyed after on_done has returned, or when an
 * abandoned run has ended.
 */
enum aggr_err aggr_offload_submit(struct aggr_offload *offload, struct aggr_job *job);

/* The caller is no longer interested: on_done does not come. A job not yet started never runs and
 * is destroyed at once. Harmless from within on_done. */
void aggr_offload_abandon(struct aggr_job *job);
