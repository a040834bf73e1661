#include "bind/blocking.h"

#include "base/mem.h"
#include "io/offload.h"
#include "io/runtime.h"
#include "task/state.h"
#include "task/wait.h"

struct call;

struct blocking {
    struct aggr_wait wait;
    struct aggr_wait_ops wait_ops; /* a copy that has the call's own name */
    struct call *call;             /* until it is done or cancelled */
    struct aggr_offload *offload;
    const struct aggr_blocking_ops *ops;
    const struct aggr_blocking_hooks *hooks; /* or NULL */
    void *payload;                           /* owned while prepared and once done */
};

struct call {
    struct aggr_job job;
    struct blocking *waiter; /* NULL once nobody waits */
    const struct aggr_blocking_ops *ops;
    const struct aggr_blocking_hooks *hooks;
    void *payload; /* owned until done */
};

static void call_run(struct aggr_job *job)
{
    struct call *call = (struct call *)job;
    call->ops->run(call->payload);
}

static void call_done(struct aggr_job *job)
{
    struct call *call = (struct call *)job;
    struct blocking *self = call->waiter;
    self->payload = call->payload;
    self->call = NULL;
    call->payload = NULL;
    aggr_wait_done(&self->wait);
}

static void call_late(struct aggr_job *job)
{
    struct call *call = (struct call *)job;
    call->hooks->late(call->payload);
    call->payload = NULL;
}

static void call_destroy(struct aggr_job *job)
{
    struct call *call = (struct call *)job;
    if (call->payload)
        call->ops->free(call->payload);
    free(call);
}

static void blocking_start(struct aggr_wait *wait)
{
    struct blocking *self = (struct blocking *)wait;
    struct call *call = aggr_mem_new(1, sizeof *call);
    *call = (struct call){.job = {.run = call_run, .on_done = call_done, .destroy = call_destroy},
                          .waiter = self,
                          .ops = self->ops,
                          .hooks = self->hooks,
                          .payload = self->payload};
    if (self->hooks)
        call->job.on_late = call_late;
    self->payload = NULL;
    self->call = call;
    if (aggr_offload_submit(self->offload, &call->job) == AGGR_OK)
        return;
    call_run(&call->job); /* no thread to be had: slow, but not lost */
    call_done(&call->job);
    free(call);
}

static void blocking_cancel(struct aggr_wait *wait)
{
    struct blocking *self = (struct blocking *)wait;
    struct call *call = self->call;
    self->call = NULL;
    if (self->hooks)
        self->hooks->abandoned(call->payload, wait->task);
    aggr_offload_abandon(&call->job);
}

static int blocking_take(struct aggr_wait *wait, lua_State *L)
{
    struct blocking *self = (struct blocking *)wait;
    return self->ops->push(self->payload, L);
}

static void blocking_free(struct aggr_wait *wait)
{
    struct blocking *self = (struct blocking *)wait;
    if (self->payload)
        self->ops->free(self->payload);
    free(self);
}

int aggr_blocking_await(lua_State *L, const struct aggr_blocking_ops *ops, void *payload)
{
    return aggr_blocking_await_on(L, aggr_state_runtime(L)->offload, ops, NULL, payload);
}

int aggr_blocking_await_on(lua_State *L, struct aggr_offload *offload,
                           const struct aggr_blocking_ops *ops,
                           const struct aggr_blocking_hooks *hooks, void *payload)
{
    struct blocking *self = aggr_mem_new(1, sizeof *self);
    *self = (struct blocking){
        .wait_ops = {ops->name, blocking_start, blocking_cancel, blocking_take, blocking_free},
        .offload = offload,
        .ops = ops,
        .hooks = hooks,
        .payload = payload};
    self->wait.ops = &self->wait_ops;
    return aggr_task_await(L, &self->wait);
}
