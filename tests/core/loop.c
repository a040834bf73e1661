/* The event loop: its own timers on both clocks, waking, watches that stay registered (facts 6),
 * leaks counted at the end. */
#include "io/loop.h"
#include "base/list.h"
#include "check.h"
#include "virtual.h"
#include <sys/socket.h>
#include <unistd.h>

static int fired[8];
static int fired_len;

struct named {
    struct aggr_timer timer;
    struct aggr_loop *loop;
    int name;
};

static void on_due(struct aggr_timer *self)
{
    fired[fired_len++] = ((struct named *)self)->name;
}

static int wakes;

static void on_woken(uv_async_t *woken)
{
    (void)woken;
    wakes++;
}

static void a_virtual_clock_jumps_from_timer_to_timer(void)
{
    struct virtual_clock clock = virtual_clock_at(1000);
    struct aggr_loop loop;
    CHECK(aggr_loop_init(&loop, &clock.clock) == AGGR_OK);
    CHECK(!aggr_loop_pending(&loop));
    struct named late = {{.rank = AGGR_TIMER_PLAIN, .on_due = on_due}, &loop, 1};
    struct named soon = {{.rank = AGGR_TIMER_PLAIN, .on_due = on_due}, &loop, 2};
    aggr_timer_start(&loop.timers, &late.timer, 3600 * AGGR_NS_PER_S);
    aggr_timer_start(&loop.timers, &soon.timer, 60 * AGGR_NS_PER_S);
    CHECK(aggr_loop_pending(&loop));
    fired_len = 0;
    aggr_loop_turn(&loop, false);
    CHECK(fired_len == 0);
    aggr_loop_turn(&loop, true);
    CHECK(fired_len == 1 && fired[0] == 2 && clock.now_ns == 60 * AGGR_NS_PER_S);
    aggr_loop_turn(&loop, true);
    CHECK(fired_len == 2 && fired[1] == 1 && clock.now_ns == 3600 * AGGR_NS_PER_S);
    CHECK(!aggr_loop_pending(&loop));
    CHECK(aggr_loop_deinit(&loop) == 0);
}

static void a_timer_in_the_background_fires_but_is_not_pending(void)
{
    struct virtual_clock clock = virtual_clock_at(1000);
    struct aggr_loop loop;
    CHECK(aggr_loop_init(&loop, &clock.clock) == AGGR_OK);
    struct named quiet = {
        {.rank = AGGR_TIMER_PLAIN, .background = true, .on_due = on_due}, &loop, 1};
    struct named awaited = {{.rank = AGGR_TIMER_PLAIN, .on_due = on_due}, &loop, 2};
    aggr_timer_start(&loop.timers, &quiet.timer, AGGR_NS_PER_S);
    CHECK(!aggr_loop_pending(&loop));
    aggr_timer_start(&loop.timers, &awaited.timer, 2 * AGGR_NS_PER_S);
    CHECK(aggr_loop_pending(&loop));
    fired_len = 0;
    aggr_loop_turn(&loop, true);
    aggr_loop_turn(&loop, true);
    CHECK(fired_len == 2 && fired[0] == 1 && fired[1] == 2);
    aggr_timer_start(&loop.timers, &quiet.timer, AGGR_NEVER - 1);
    CHECK(!aggr_loop_pending(&loop));
    aggr_timer_stop(&loop.timers, &quiet.timer);
    CHECK(aggr_loop_deinit(&loop) == 0);
}

static void a_timer_is_never_early(void)
{
    struct aggr_loop loop;
    CHECK(aggr_loop_init(&loop, &aggr_clock_system) == AGGR_OK);
    for (int i = 0; i < 20; i++) {
        struct named timer = {{.rank = AGGR_TIMER_PLAIN, .on_due = on_due}, &loop, i};
        uint64_t due_ns = aggr_loop_now(&loop) + 1300000;
        aggr_timer_start(&loop.timers, &timer.timer, due_ns);
        fired_len = 0;
        while (fired_len == 0)
            aggr_loop_turn(&loop, true);
        CHECK(aggr_loop_now(&loop) >= due_ns);
    }
    CHECK(aggr_loop_deinit(&loop) == 0);
}

static void on_uv_timer(uv_timer_t *timer)
{
    aggr_loop_stir(timer->data);
}

/* Without the stirring, uv_run would wait for the minute to pass. */
static void a_uv_timer_does_not_keep_the_turn_waiting(void)
{
    struct aggr_loop loop;
    uv_timer_t soon, minute;
    CHECK(aggr_loop_init(&loop, &aggr_clock_system) == AGGR_OK);
    uv_timer_init(&loop.uv, &soon);
    uv_timer_init(&loop.uv, &minute);
    soon.data = minute.data = &loop;
    uv_timer_start(&soon, on_uv_timer, 0, 0);
    uv_timer_start(&minute, on_uv_timer, 60000, 0);
    uint64_t begun_ns = aggr_loop_now(&loop);
    aggr_loop_turn(&loop, true);
    CHECK(aggr_loop_now(&loop) - begun_ns < 30 * AGGR_NS_PER_S);
    uv_close((uv_handle_t *)&soon, NULL);
    CHECK(aggr_loop_deinit(&loop) == 1); /* the other one */
}

struct pipe_end {
    struct aggr_watch watch;
    int events, closed;
};

static void on_event(struct aggr_watch *watch, int events, bool failed)
{
    (void)failed;
    ((struct pipe_end *)watch)->events += events;
}

static void on_closed(struct aggr_watch *watch)
{
    ((struct pipe_end *)watch)->closed = 1;
}

static void an_idle_watch_stays_armed_until_an_event(void)
{
    struct aggr_loop loop;
    struct pipe_end end = {{.on_event = on_event, .on_closed = on_closed}, 0, 0};
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(aggr_loop_init(&loop, &aggr_clock_system) == AGGR_OK);
    CHECK(aggr_watch_init(&loop, &end.watch, fds[0]) == AGGR_OK);
    aggr_watch_set(&end.watch, UV_READABLE);
    aggr_watch_set(&end.watch, 0);
    CHECK(end.watch.armed == UV_READABLE);
    aggr_watch_set(&end.watch, UV_READABLE);
    CHECK(write(fds[1], "x", 1) == 1);
    aggr_loop_turn(&loop, true);
    CHECK(end.events == UV_READABLE);
    aggr_watch_set(&end.watch, 0);
    aggr_loop_turn(&loop, true); /* still readable: the idle watch stops */
    CHECK(end.events == UV_READABLE && end.watch.armed == 0);
    aggr_watch_close(&end.watch);
    close(fds[0]);
    CHECK(end.closed == 0);
    aggr_loop_turn(&loop, false);
    CHECK(end.closed == 1);
    close(fds[1]);
    CHECK(aggr_loop_deinit(&loop) == 0);
}

/* At most three in a row, and only just after a whole one. */
static void a_half_turn_fires_timers_and_leaves_io_alone(void)
{
    struct virtual_clock clock = virtual_clock_at(AGGR_NS_PER_S);
    struct aggr_loop loop;
    CHECK(aggr_loop_init(&loop, &clock.clock) == AGGR_OK);
    CHECK(!aggr_loop_half_turn(&loop));
    aggr_loop_turn(&loop, false);
    struct named due = {{.rank = AGGR_TIMER_PLAIN, .on_due = on_due}, &loop, 1};
    aggr_timer_start(&loop.timers, &due.timer, clock.now_ns);
    fired_len = 0;
    uv_async_t woken;
    CHECK(uv_async_init(&loop.uv, &woken, on_woken) == 0);
    uv_async_send(&woken);
    wakes = 0;
    for (int i = 0; i < 3; i++)
        CHECK(aggr_loop_half_turn(&loop));
    CHECK(fired_len == 1 && wakes == 0);
    CHECK(!aggr_loop_half_turn(&loop));
    aggr_loop_turn(&loop, false);
    CHECK(wakes == 1);
    CHECK(aggr_loop_half_turn(&loop));
    clock.now_ns += AGGR_NS_PER_MS / 10;
    CHECK(!aggr_loop_half_turn(&loop));
    uv_close((uv_handle_t *)&woken, NULL);
    CHECK(aggr_loop_deinit(&loop) == 0);
}

int main(void)
{
    a_virtual_clock_jumps_from_timer_to_timer();
    a_timer_in_the_background_fires_but_is_not_pending();
    a_timer_is_never_early();
    a_uv_timer_does_not_keep_the_turn_waiting();
    an_idle_watch_stays_armed_until_an_event();
    a_half_turn_fires_timers_and_leaves_io_alone();
    return check_report();
}
