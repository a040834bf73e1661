/* offload.h -- work that blocks (name look-ups, files, stdin, stdout) on detached threads of ours.
 *
 * Not uv's pool: exit would join it (facts 1). A job is its thread's own and may outlive the loop;
 * at most 64 threads work for us at a time, the others queue. An abandoned job leaves that count,
 * and so does one that has run for 250 ms while others queue: what hangs starves nobody. There are
 * never more than 512 threads. Answers come back through one uv_async.
 *
 *   submit -> run on a thread -> on_done on the loop          submit -> abandon (on_done never
 * comes)
 */
#pragma once
#include "base/list.h"
#include "io/loop.h"

struct aggr_offload;

struct aggr_job {
    void (*run)(struct aggr_job *self);     /* on a thread; touches the job alone */
    void (*on_done)(struct aggr_job *self); /* on the loop, unless abandoned; frees nothing */
    void (*destroy)(struct aggr_job *self); /* last reference gone: frees the job; on its thread
                                               when the loop has gone before it */
    /* private to offload from here */
    struct aggr_list link; /* in one of offload's lists, or in none */
    struct aggr_offload *offload;
    uint64_t begun_ns;
    int state;
};

enum aggr_err aggr_offload_new(struct aggr_loop *loop, struct aggr_offload **out);

/* Jobs still running are abandoned; their threads end by themselves. NULL is fine. */
void aggr_offload_free(struct aggr_offload *offload);

/* Hands `job` over, unless this fails. It is destroyed after on_done has returned, or when an
 * abandoned run has ended.
 */
enum aggr_err aggr_offload_submit(struct aggr_offload *offload, struct aggr_job *job);

/* The caller is no longer interested: on_done does not come. A job not yet started never runs and
 * is destroyed at once. Harmless from within on_done. */
void aggr_offload_abandon(struct aggr_job *job);
