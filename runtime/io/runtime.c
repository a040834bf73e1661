#include "io/runtime.h"
#include "io/fetch.h"

enum { CONCURRENCY = 128, PER_HOST = 32, WORKERS_LEAST = 2, WORKERS_MOST = 64 };

/* Two even on one core: a long one must not keep back all the others. */
static unsigned workers_for(unsigned asked)
{
    unsigned count = asked ? asked : uv_available_parallelism();
    if (!asked && count < WORKERS_LEAST)
        count = WORKERS_LEAST;
    return count < WORKERS_MOST ? count : WORKERS_MOST;
}

unsigned aggr_runtime_pump(struct aggr_runtime *rt)
{
    return rt->backlog.full ? 0 : aggr_gate_pump(rt->gate);
}

static void on_pump(uv_idle_t *idle)
{
    struct aggr_runtime *rt = idle->data;
    uv_idle_stop(idle);
    rt->loop.in_flight--;
    if (aggr_runtime_pump(rt) > 0)
        aggr_loop_stir(&rt->loop); /* one that cannot be started has ended already */
}

enum aggr_err aggr_runtime_init(struct aggr_runtime *rt, const struct aggr_runtime_options *options)
{
    *rt = (struct aggr_runtime){0};
    rt->clock = options->clock ? options->clock : &aggr_clock_system;
    enum aggr_err err = aggr_loop_init(&rt->loop, rt->clock);
    if (err)
        return err;
    err = aggr_offload_new(&rt->loop, NULL, &rt->offload);
    if (err) {
        aggr_loop_deinit(&rt->loop);
        return err;
    }
    AGGR_CHECK(uv_idle_init(&rt->loop.uv, &rt->pump) == 0);
    rt->pump.data = rt;
    aggr_backlog_init(rt, options->buffered);
    aggr_list_init(&rt->spares);
    aggr_children_init(&rt->children, &rt->loop,
                       options->children ? options->children : AGGR_CHILDREN_MAX);
    rt->workers_max = workers_for(options->workers);
    rt->lookup =
        aggr_lookup_new(&rt->loop, rt->offload, options->resolve ? options->resolve : getaddrinfo);
    unsigned concurrency = options->concurrency ? options->concurrency : CONCURRENCY;
    rt->gate = aggr_gate_new(concurrency, options->per_host ? options->per_host : PER_HOST);
    rt->policies = aggr_policy_set_new(options->getenv);
    rt->router = (struct aggr_router){.loop = &rt->loop,
                                      .mode = options->mode,
                                      .in_flight_max = concurrency,
                                      .sockets_max = options->sockets,
                                      .forced = options->transport};
    aggr_router_init(&rt->router);
    aggr_rng_init(&rt->rng, options->seed);
    return AGGR_OK;
}

unsigned aggr_runtime_deinit(struct aggr_runtime *rt)
{
    AGGR_CHECK(rt->fetches == 0);
    aggr_fetch_free_spares(rt);
    aggr_router_deinit(&rt->router);
    aggr_policy_set_free(rt->policies);
    aggr_gate_free(rt->gate);
    aggr_lookup_free(rt->lookup);
    uv_close((uv_handle_t *)&rt->pump, NULL);
    aggr_backlog_deinit(&rt->backlog);
    aggr_children_deinit(&rt->children);
    aggr_offload_free(rt->workers);
    aggr_offload_free(rt->offload);
    return aggr_loop_deinit(&rt->loop);
}

void aggr_runtime_pump_soon(struct aggr_runtime *rt)
{
    if (aggr_gate_stats(rt->gate).waiting == 0 || uv_is_active((uv_handle_t *)&rt->pump))
        return;
    uv_idle_start(&rt->pump, on_pump);
    rt->loop.in_flight++; /* whoever waits for a permit is about to hear */
}
