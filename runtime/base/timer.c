#include "base/timer.h"
#include "base/clock.h"
#include "base/mem.h"

/* A 4-ary heap: shallower than a binary one, children side by side in memory. Slots count from 1;
 * in the batch they carry IN_BATCH besides. */
static const size_t IN_BATCH = (size_t)1 << (sizeof(size_t) * 8 - 1);
enum { ARITY = 4, FIRST_CAP = 64 };

static bool before(const struct aggr_timer *a, const struct aggr_timer *b)
{
    if (a->due_ns != b->due_ns)
        return a->due_ns < b->due_ns;
    if (a->rank != b->rank)
        return a->rank < b->rank;
    return a->seq < b->seq;
}

static void place(struct aggr_timers *timers, struct aggr_timer *timer, size_t slot)
{
    timers->heap[slot - 1] = timer;
    timer->slot = slot;
}

/* Move `timer` from `slot` towards the root until its parent goes before it. */
static void sift_up(struct aggr_timers *timers, struct aggr_timer *timer, size_t slot)
{
    while (slot > 1) {
        size_t parent = (slot - 2) / ARITY + 1;
        if (!before(timer, timers->heap[parent - 1]))
            break;
        place(timers, timers->heap[parent - 1], slot);
        slot = parent;
    }
    place(timers, timer, slot);
}

/* Move `timer` from `slot` towards the leaves until no child goes before it. */
static void sift_down(struct aggr_timers *timers, struct aggr_timer *timer, size_t slot)
{
    for (;;) {
        size_t first = (slot - 1) * ARITY + 2;
        if (first > timers->len)
            break;
        size_t last = first + ARITY - 1 < timers->len ? first + ARITY - 1 : timers->len;
        size_t least = first;
        for (size_t child = first + 1; child <= last; child++)
            if (before(timers->heap[child - 1], timers->heap[least - 1]))
                least = child;
        if (!before(timers->heap[least - 1], timer))
            break;
        place(timers, timers->heap[least - 1], slot);
        slot = least;
    }
    place(timers, timer, slot);
}

void aggr_timers_deinit(struct aggr_timers *timers)
{
    free(timers->heap);
    free(timers->batch);
    *timers = (struct aggr_timers){0};
}

static void count_made(struct aggr_timers *timers, const struct aggr_timer *timer)
{
    if (timers->ledger && !timer->background)
        aggr_ledger_made(timers->ledger, AGGR_LEDGER_TIMERS, (uintptr_t)timer, 1, NULL);
}

static void count_gone(struct aggr_timers *timers, const struct aggr_timer *timer)
{
    if (timers->ledger && !timer->background)
        aggr_ledger_gone(timers->ledger, AGGR_LEDGER_TIMERS, (uintptr_t)timer, 1);
}

void aggr_timer_start(struct aggr_timers *timers, struct aggr_timer *timer, uint64_t due_ns)
{
    aggr_timer_stop(timers, timer);
    if (due_ns == AGGR_NEVER)
        return;
    if (timers->len == timers->cap) {
        timers->cap = timers->cap ? timers->cap * 2 : FIRST_CAP;
        timers->heap = aggr_mem_resize(timers->heap, timers->cap, sizeof(struct aggr_timer *));
    }
    timer->due_ns = due_ns;
    timer->seq = timers->seq++;
    timers->background += timer->background;
    sift_up(timers, timer, ++timers->len);
    count_made(timers, timer);
}

/* Out of the heap, where it is. */
static void take_out(struct aggr_timers *timers, struct aggr_timer *timer)
{
    size_t slot = timer->slot;
    timer->slot = 0;
    AGGR_CHECK(slot <= timers->len && timers->heap[slot - 1] == timer);
    timers->background -= timer->background;
    struct aggr_timer *last = timers->heap[--timers->len];
    if (last == timer)
        return;
    if (slot > 1 && before(last, timers->heap[(slot - 2) / ARITY]))
        sift_up(timers, last, slot);
    else
        sift_down(timers, last, slot);
}

void aggr_timer_stop(struct aggr_timers *timers, struct aggr_timer *timer)
{
    size_t slot = timer->slot;
    if (slot == 0)
        return;
    count_gone(timers, timer);
    if (slot & IN_BATCH) {
        timers->batch[(slot & ~IN_BATCH) - 1] = NULL;
        timer->slot = 0;
    } else {
        take_out(timers, timer);
    }
}

uint64_t aggr_timers_next(const struct aggr_timers *timers)
{
    return timers->len ? timers->heap[0]->due_ns : AGGR_NEVER;
}

/* Move the first timer from the heap to the end of the batch. */
static void move_to_batch(struct aggr_timers *timers)
{
    if (timers->batch_len == timers->batch_cap) {
        timers->batch_cap = timers->batch_cap ? timers->batch_cap * 2 : FIRST_CAP;
        timers->batch =
            aggr_mem_resize(timers->batch, timers->batch_cap, sizeof(struct aggr_timer *));
    }
    struct aggr_timer *timer = timers->heap[0];
    take_out(timers, timer);
    timers->batch[timers->batch_len++] = timer;
    timer->slot = timers->batch_len | IN_BATCH;
}

size_t aggr_timers_fire(struct aggr_timers *timers, uint64_t now_ns)
{
    AGGR_CHECK(timers->batch_len == 0);
    while (timers->len && timers->heap[0]->due_ns <= now_ns)
        move_to_batch(timers);
    size_t fired = 0;
    for (size_t i = 0; i < timers->batch_len; i++) {
        struct aggr_timer *timer = timers->batch[i];
        if (!timer)
            continue; /* stopped by one that fired before it */
        timer->slot = 0;
        count_gone(timers, timer);
        timer->on_due(timer);
        fired++;
    }
    timers->batch_len = 0;
    return fired;
}
