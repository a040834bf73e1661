/* runtime.h -- the root: one loop with what every vm on it shares.
 *
 * Owns all its parts; borrows clock, trace and a transport that was handed in.
 *
 *   init -> ... -> deinit (in reverse order, on every way out)
 */
#pragma once
#include "base/gate.h"
#include "base/rng.h"
#include "base/trace.h"
#include "io/backlog.h"
#include "io/child.h"
#include "io/lookup.h"
#include "io/loop.h"
#include "io/offload.h"
#include "io/policy.h"
#include "io/router.h"

struct aggr_runtime_options {
    unsigned concurrency, per_host;   /* permits; 0 = 128 and 32 */
    size_t buffered;                  /* bytes of responses that may be here (io/backlog.h); 0 =
                                         any number */
    unsigned sockets;                 /* that may be open at once; 0 = any number */
    unsigned children;                /* programs that may run at once; 0 = 64 */
    unsigned workers;                 /* threads for Lua; 0 = one per core, but two */
    struct aggr_clock *clock;         /* NULL = the system's */
    struct aggr_transport *transport; /* for all there is, borrowed; NULL = see `mode` */
    enum aggr_router_mode mode;
    aggr_lookup_function *resolve;     /* NULL = getaddrinfo */
    char *(*getenv)(const char *name); /* for the proxies; NULL = no proxies */
    uint64_t seed;
};

struct aggr_runtime {
    struct aggr_loop loop;
    struct aggr_gate *gate;
    struct aggr_offload *offload;
    struct aggr_offload *workers; /* threads for Lua; NULL until bind/work makes it */
    unsigned workers_max;
    struct aggr_children children;
    struct aggr_lookup *lookup;
    struct aggr_policy_set *policies;
    struct aggr_router router;
    struct aggr_backlog backlog;
    struct aggr_trace *trace; /* may be NULL */
    struct aggr_late *late;   /* borrowed; NULL: nobody asks (io/late.h) */
    struct aggr_rng rng;
    struct aggr_clock *clock;
    uint64_t next_id;        /* of exchanges */
    uv_idle_t pump;          /* active while permits have come free that nobody was told about */
    unsigned fetches;        /* started, not ended */
    struct aggr_list spares; /* of io/fetch */
    unsigned spare_len;
};

enum aggr_err aggr_runtime_init(struct aggr_runtime *rt,
                                const struct aggr_runtime_options *options);

/* No fetch may be in flight. Returns the number of handles that somebody left open. */
unsigned aggr_runtime_deinit(struct aggr_runtime *rt);

/* Grant freed permits now, unless there is too much of answers already; how many. */
unsigned aggr_runtime_pump(struct aggr_runtime *rt);

/* The same in the next turn, once, however many have come free (a cancelled scope frees
 * hundreds in a row). */
void aggr_runtime_pump_soon(struct aggr_runtime *rt);
