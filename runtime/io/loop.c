#include "io/loop.h"
#include "base/list.h"

/* In a row. From an answer to the next task's request it takes three turns. */
enum { HALF_TURNS_MAX = 3, HALF_TURNS_NS = 100 * 1000 };

static void on_alarm(uv_timer_t *alarm)
{
    uv_stop(alarm->loop); /* the heap's timers are fired by turn, in their order */
}

enum aggr_err aggr_loop_init(struct aggr_loop *loop, struct aggr_clock *clock)
{
    if (uv_loop_init(&loop->uv) != 0)
        return AGGR_ERR_SYSTEM;
    AGGR_CHECK(uv_timer_init(&loop->uv, &loop->alarm) == 0);
    loop->alarm_due_ns = AGGR_NEVER;
    loop->ledger = (struct aggr_ledger){0};
    loop->timers = (struct aggr_timers){.ledger = &loop->ledger};
    loop->clock = clock;
    loop->instant_ns = loop->polled_ns = 0;
    loop->half_turns = 0;
    loop->in_flight = 0;
    return AGGR_OK;
}

static void close_leaked(uv_handle_t *handle, void *ledger)
{
    if (uv_is_closing(handle))
        return;
    aggr_ledger_made(ledger, AGGR_LEDGER_HANDLES, (uintptr_t)handle, 1,
                     uv_handle_type_name(handle->type));
    uv_close(handle, NULL);
}

unsigned aggr_loop_deinit(struct aggr_loop *loop)
{
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_walk(&loop->uv, close_leaked, &loop->ledger);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    AGGR_CHECK(uv_loop_close(&loop->uv) == 0);
    aggr_timers_deinit(&loop->timers);
    return (unsigned)loop->ledger.made[AGGR_LEDGER_HANDLES];
}

uint64_t aggr_loop_now(struct aggr_loop *loop)
{
    loop->instant_ns = loop->clock->monotonic_ns(loop->clock);
    return loop->instant_ns;
}

/* An alarm that is set too early costs one empty turn, moving it each time costs more. */
static void set_alarm(struct aggr_loop *loop, uint64_t due_ns, uint64_t now_ns)
{
    if (due_ns == AGGR_NEVER) {
        uv_timer_stop(&loop->alarm);
        return;
    }
    if (uv_is_active((uv_handle_t *)&loop->alarm) && loop->alarm_due_ns <= due_ns)
        return;
    uint64_t wait_ns = due_ns - now_ns;
    uint64_t wait_ms = wait_ns / AGGR_NS_PER_MS + (wait_ns % AGGR_NS_PER_MS != 0);
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->alarm, on_alarm, wait_ms, 0);
    loop->alarm_due_ns = due_ns;
}

static void run_uv(struct aggr_loop *loop, uv_run_mode mode)
{
    uv_run(&loop->uv, mode);
    loop->polled_ns = loop->instant_ns;
    loop->half_turns = 0;
}

void aggr_loop_turn(struct aggr_loop *loop, bool may_wait)
{
    struct aggr_clock *clock = loop->clock;
    uint64_t now_ns = aggr_loop_now(loop);
    if (aggr_timers_fire(&loop->timers, now_ns) > 0)
        may_wait = false;
    uint64_t due_ns = aggr_timers_next(&loop->timers);
    if (!may_wait || due_ns <= now_ns) {
        run_uv(loop, UV_RUN_NOWAIT);
        return;
    }
    if (!clock->jump) {
        set_alarm(loop, due_ns, now_ns);
    } else if (loop->in_flight == 0 && due_ns != AGGR_NEVER && clock->jump(clock, due_ns)) {
        aggr_timers_fire(&loop->timers, aggr_loop_now(loop));
        run_uv(loop, UV_RUN_NOWAIT);
        return;
    }
    run_uv(loop, UV_RUN_ONCE);
}

bool aggr_loop_half_turn(struct aggr_loop *loop)
{
    uint64_t now_ns = aggr_loop_now(loop);
    if (loop->half_turns == HALF_TURNS_MAX || now_ns - loop->polled_ns >= HALF_TURNS_NS)
        return false;
    loop->half_turns++;
    aggr_timers_fire(&loop->timers, now_ns);
    return true;
}

bool aggr_loop_pending(const struct aggr_loop *loop)
{
    return loop->in_flight > 0 || aggr_timers_awaited(&loop->timers);
}

void aggr_loop_stir(struct aggr_loop *loop)
{
    uv_stop(&loop->uv);
}

enum aggr_err aggr_watch_init(struct aggr_loop *loop, struct aggr_watch *watch, int fd)
{
    watch->mask = watch->armed = 0;
    return uv_poll_init(&loop->uv, &watch->poll, fd) == 0 ? AGGR_OK : AGGR_ERR_SYSTEM;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct aggr_watch *watch = AGGR_LIST_ENTRY(poll, struct aggr_watch, poll);
    aggr_loop_now(AGGR_LIST_ENTRY(poll->loop, struct aggr_loop, uv));
    if (status < 0)
        watch->armed = 0; /* uv has stopped it */
    if (watch->mask == 0) {
        uv_poll_stop(poll);
        watch->armed = 0;
        if (watch->on_stopped)
            watch->on_stopped(watch);
        return;
    }
    watch->on_event(watch, events, status < 0);
}

void aggr_watch_set(struct aggr_watch *watch, int mask)
{
    watch->mask = mask;
    if (mask == 0 || mask == watch->armed)
        return;
    AGGR_CHECK(uv_poll_start(&watch->poll, mask, on_poll) == 0);
    watch->armed = mask;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct aggr_watch *watch = AGGR_LIST_ENTRY((uv_poll_t *)handle, struct aggr_watch, poll);
    watch->on_closed(watch);
}

void aggr_watch_close(struct aggr_watch *watch)
{
    watch->mask = watch->armed = 0;
    uv_close((uv_handle_t *)&watch->poll, on_poll_closed);
}
