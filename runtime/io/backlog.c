#include "io/backlog.h"
#include "io/fetch_drive.h"

/* From now on the one whose answer began first of those that are there. */
static void choose_first(struct aggr_backlog *backlog)
{
    struct aggr_list *link = backlog->reading.next;
    backlog->first =
        link == &backlog->reading ? NULL : AGGR_LIST_ENTRY(link, struct aggr_fetch, reading);
}

static void set_paused(struct aggr_fetch *fetch, bool paused)
{
    struct aggr_loop *loop = &fetch->rt->loop;
    if (fetch->paused == paused || !fetch->transport->ops->pause(fetch->exchange, paused))
        return;
    fetch->paused = paused;
    if (paused) {
        aggr_timer_stop(&loop->timers, &fetch->timer);
        aggr_limits_pause(&fetch->limits, aggr_loop_now(loop));
    } else {
        aggr_limits_resume(&fetch->limits, aggr_loop_now(loop));
        aggr_limits_heard(&fetch->limits, aggr_loop_now(loop));
        aggr_fetch_arm(fetch);
    }
}

static void apply(struct aggr_backlog *backlog, bool from_inside)
{
    for (struct aggr_list *at = backlog->flying.next; at != &backlog->flying; at = at->next) {
        struct aggr_fetch *fetch = AGGR_LIST_ENTRY(at, struct aggr_fetch, flying);
        bool any = fetch->transport->ops->pauses_any;
        bool can = fetch->state == AGGR_FETCH_BODY || (fetch->state == AGGR_FETCH_WAIT && any);
        if (can && (any || !from_inside))
            set_paused(fetch, backlog->full && fetch != backlog->first);
    }
}

static void on_soon(uv_idle_t *idle)
{
    struct aggr_runtime *rt = idle->data;
    struct aggr_backlog *backlog = &rt->backlog;
    uv_idle_stop(idle);
    rt->loop.in_flight--;
    if (backlog->held.used <= backlog->limit - backlog->limit / 4)
        backlog->full = false;
    choose_first(backlog);
    apply(backlog, false);
    aggr_runtime_pump_soon(rt);
}

static void apply_soon(struct aggr_backlog *backlog)
{
    struct aggr_runtime *rt = backlog->soon.data;
    if (uv_is_active((uv_handle_t *)&backlog->soon))
        return;
    uv_idle_start(&backlog->soon, on_soon);
    rt->loop.in_flight++; /* whoever waits for a permit may be about to hear */
}

void aggr_backlog_init(struct aggr_runtime *rt, size_t limit)
{
    struct aggr_backlog *backlog = &rt->backlog;
    backlog->limit = limit;
    aggr_list_init(&backlog->flying);
    aggr_list_init(&backlog->reading);
    AGGR_CHECK(uv_idle_init(&rt->loop.uv, &backlog->soon) == 0);
    backlog->soon.data = rt;
}

void aggr_backlog_deinit(struct aggr_backlog *backlog)
{
    uv_close((uv_handle_t *)&backlog->soon, NULL);
}

void aggr_backlog_begin(struct aggr_fetch *fetch)
{
    aggr_list_init(&fetch->flying);
    aggr_list_init(&fetch->reading);
}

void aggr_backlog_enter(struct aggr_fetch *fetch)
{
    struct aggr_backlog *backlog = &fetch->rt->backlog;
    aggr_list_push(&backlog->flying, &fetch->flying);
    if (backlog->full)
        apply_soon(backlog);
}

void aggr_backlog_redial(struct aggr_fetch *fetch)
{
    if (fetch->paused)
        aggr_limits_resume(&fetch->limits, aggr_loop_now(&fetch->rt->loop));
    fetch->paused = false;
}

void aggr_backlog_leave(struct aggr_fetch *fetch)
{
    struct aggr_backlog *backlog = &fetch->rt->backlog;
    aggr_list_remove(&fetch->flying);
    aggr_list_remove(&fetch->reading);
    if (backlog->first == fetch)
        backlog->first = NULL; /* the next one may begin when this one has been handed over */
    aggr_backlog_redial(fetch);
    if (backlog->full)
        apply_soon(backlog);
}

void aggr_backlog_answered(struct aggr_fetch *fetch)
{
    aggr_list_push(&fetch->rt->backlog.reading, &fetch->reading);
}

/* From inside of an event of its: there may be no more before it is paused. */
static void stop_early(struct aggr_backlog *backlog, struct aggr_fetch *fetch)
{
    bool was_full = backlog->full;
    backlog->full = true;
    if (!was_full) {
        choose_first(backlog);
        apply(backlog, true);
        apply_soon(backlog);
    }
    if (fetch == backlog->first)
        return;
    set_paused(fetch, true);
    if (!fetch->paused)
        apply_soon(backlog);
}

void aggr_backlog_hold(struct aggr_fetch *fetch, size_t bytes)
{
    struct aggr_backlog *backlog = &fetch->rt->backlog;
    size_t before = fetch->held_bytes;
    fetch->held_bytes = bytes;
    aggr_budget_sub(&backlog->held, before);
    aggr_budget_add(&backlog->held, bytes);
    if (bytes > before && fetch->exchange && backlog->limit > 0 &&
        (backlog->full || backlog->held.used > backlog->limit))
        stop_early(backlog, fetch);
    else if (bytes < before && backlog->full)
        apply_soon(backlog);
}
