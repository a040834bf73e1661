/* gate.h -- permits: how many requests may be in flight, in all, per origin and per client (R30,
 * R31).
 *
 * Owns its queues, origins and clients; borrows each waiter from acquire until it is released or
 * withdrawn. Pure data: no clock, no I/O; calls back only from aggr_gate_pump, where acquire,
 * release and withdraw are allowed (a nested pump does nothing, the outer one goes on).
 *
 *   idle -> acquire -> queued -> (pump) granted -> release -> idle          queued -> withdraw ->
 * idle
 */
#pragma once
#include "base/list.h"
#include <stddef.h>

struct aggr_gate;
struct aggr_gate_client; /* a client's own permits */
struct aggr_gate_queue;

/* {0} plus on_granted is an idle one. */
struct aggr_waiter {
    void (*on_granted)(struct aggr_waiter *self); /* from aggr_gate_pump, never from acquire */
    /* private to the gate from here */
    struct aggr_list link;         /* in its queue while queued */
    struct aggr_gate_queue *queue; /* NULL while idle */
    int state;
};

struct aggr_gate_stats {
    unsigned in_use;  /* permits out now */
    unsigned peak;    /* the most there ever were */
    unsigned waiting; /* queued waiters */
    unsigned origins; /* origins with a permit out or a waiter */
};

/* At most `concurrency` permits out, at most `per_host` of them for one origin; 0 = no limit. */
struct aggr_gate *aggr_gate_new(unsigned concurrency, unsigned per_host);

/* Another `concurrency`; permits that are out stay out. */
void aggr_gate_limit(struct aggr_gate *gate, unsigned concurrency);

/* Nothing may be granted or waiting any more. NULL is fine. */
void aggr_gate_free(struct aggr_gate *gate);

/* Permits of a client's own, on top of the gate's; 0 = no limit. */
struct aggr_gate_client *aggr_gate_client_new(unsigned concurrency, unsigned per_host);

/* The owner lets go; it lives on until its last waiter is idle. NULL is fine. */
void aggr_gate_client_free(struct aggr_gate_client *client);

/* Queue the idle `waiter` behind the others of (client, origin). A pump grants it once process,
 * origin, client and (client, origin) permits are all free; FIFO within a queue, queues in turn; a
 * queue parks on a permit it lacks. `client` NULL = none; `origin` ("http://host:80", a socket's
 * path) is copied. */
void aggr_gate_acquire(struct aggr_gate *gate, struct aggr_gate_client *client, const char *origin,
                       struct aggr_waiter *waiter);

/* Grant what can be granted, calling on_granted; returns how many. To be called once after a batch
 * of acquires, releases and withdrawals. */
size_t aggr_gate_pump(struct aggr_gate *gate);

/* Give back the permits of a granted waiter. */
void aggr_gate_release(struct aggr_gate *gate, struct aggr_waiter *waiter);

/* Take a queued waiter out of its queue; harmless when it is idle. Not for granted ones. */
void aggr_gate_withdraw(struct aggr_gate *gate, struct aggr_waiter *waiter);

bool aggr_waiter_granted(const struct aggr_waiter *waiter);

struct aggr_gate_stats aggr_gate_stats(const struct aggr_gate *gate);
