#include "io/backlog.h"
#include "io/fetch_drive.h"

static bool is_connected(const struct aggr_fetch *fetch)
{
    return fetch->state == AGGR_FETCH_WAIT || fetch->state == AGGR_FETCH_BODY;
}

static const void *group_of(const struct aggr_fetch *fetch)
{
    const struct aggr_transport_ops *ops = fetch->transport->ops;
    return ops->group ? ops->group(fetch->exchange) : NULL;
}

/* The one whose answer began first, or goes on with it. */
static bool may_read(const struct aggr_backlog *backlog, const struct aggr_fetch *fetch)
{
    if (aggr_list_empty(&backlog->reading))
        return false;
    const struct aggr_fetch *first =
        AGGR_LIST_ENTRY(backlog->reading.next, struct aggr_fetch, reading);
    const void *group = group_of(fetch);
    return fetch == first || (group && group == group_of(first));
}

static void set_paused(struct aggr_fetch *fetch, bool paused)
{
    struct aggr_loop *loop = &fetch->rt->loop;
    if (fetch->paused == paused)
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
    fetch->transport->ops->pause(fetch->exchange, paused);
}

/* Of those that are read from, each may be paused from inside of another's event, or not. */
static void apply(struct aggr_backlog *backlog, bool from_inside)
{
    for (struct aggr_list *at = backlog->flying.next; at != &backlog->flying; at = at->next) {
        struct aggr_fetch *fetch = AGGR_LIST_ENTRY(at, struct aggr_fetch, flying);
        if (is_connected(fetch) && (!from_inside || fetch->transport->ops->pauses_any))
            set_paused(fetch, backlog->full && !may_read(backlog, fetch));
    }
}

static void apply_soon(struct aggr_backlog *backlog);

static void on_soon(uv_idle_t *idle)
{
    struct aggr_backlog *backlog = idle->data;
    uv_idle_stop(idle);
    if (backlog->held.used <= backlog->limit - backlog->limit / 4)
        backlog->full = false;
    apply(backlog, false);
}

static void apply_soon(struct aggr_backlog *backlog)
{
    if (!uv_is_active((uv_handle_t *)&backlog->soon))
        uv_idle_start(&backlog->soon, on_soon);
}

void aggr_backlog_init(struct aggr_runtime *rt, size_t limit)
{
    struct aggr_backlog *backlog = &rt->backlog;
    backlog->limit = limit;
    aggr_list_init(&backlog->flying);
    aggr_list_init(&backlog->reading);
    AGGR_CHECK(uv_idle_init(&rt->loop.uv, &backlog->soon) == 0);
    backlog->soon.data = backlog;
}

void aggr_backlog_deinit(struct aggr_backlog *backlog)
{
    uv_close((uv_handle_t *)&backlog->soon, NULL);
}

void aggr_backlog_enter(struct aggr_fetch *fetch)
{
    aggr_list_push(&fetch->rt->backlog.flying, &fetch->flying);
}

void aggr_backlog_leave(struct aggr_fetch *fetch)
{
    struct aggr_backlog *backlog = &fetch->rt->backlog;
    aggr_list_remove(&fetch->flying);
    aggr_list_remove(&fetch->reading);
    if (fetch->paused)
        aggr_limits_resume(&fetch->limits, aggr_loop_now(&fetch->rt->loop));
    fetch->paused = false;
    if (backlog->full)
        apply_soon(backlog);
}

void aggr_backlog_connected(struct aggr_fetch *fetch)
{
    if (fetch->rt->backlog.full)
        apply_soon(&fetch->rt->backlog);
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
    if (!was_full)
        apply(backlog, true);
    if (!fetch->paused && !may_read(backlog, fetch))
        set_paused(fetch, true);
    if (!was_full)
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
