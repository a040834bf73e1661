/* http1_pool.h -- connections by origin and policy, and those of them that wait for the next
 * request: the last used is used first, each for a minute or for as long as the server says.
 *
 * Owns the connections from add to drop; borrows loop and policies. Closing one tells nobody.
 *
 *   init -> (add -> (keep -> take)* -> drop)* -> deinit
 */
#pragma once
#include "base/table.h"
#include "io/dialer.h"
#include "io/loop.h"
#include "io/transport.h"

struct aggr_http1_origin; /* the pool's own */

struct aggr_http1_connection {
    struct aggr_http1_pool *pool;
    struct aggr_http1_origin *origin;
    struct aggr_stream *stream;     /* owned; set by who added it */
    struct aggr_exchange *exchange; /* borrowed; NULL while idle */
    struct aggr_list link;          /* idle: in its origin's list, the last used first */
    struct aggr_list by_age;        /* idle: among all, the longest idle first */
    uint64_t idle_since_ns;
    unsigned keep_s; /* the server's hint; 0 = none */
    unsigned served; /* requests after which it was kept */
};

struct aggr_http1_pool {
    struct aggr_loop *loop;
    struct aggr_table origins;
    struct aggr_list by_age;
    struct aggr_timer
        timer;     /* for the first that will have been idle too long; in the background */
    unsigned open; /* connections in all, those still dialling as well */
    unsigned max;  /* of them, as long as idle ones can be closed; 0 = any number */
};

void aggr_http1_pool_init(struct aggr_http1_pool *pool, struct aggr_loop *loop, unsigned max);

/* Another `max`; idle ones are closed where more are open. */
void aggr_http1_pool_limit(struct aggr_http1_pool *pool, unsigned max);

/* All that is left is idle. */
void aggr_http1_pool_deinit(struct aggr_http1_pool *pool);

/* An idle connection to where `request` goes, else NULL. With `certain` the server has not closed
 * it, as far as can be seen, nor is likely to: some do after their first answer without a word. */
struct aggr_http1_connection *aggr_http1_pool_take(struct aggr_http1_pool *pool,
                                                   const struct aggr_exchange_request *request,
                                                   bool certain);

/* Another one, without a stream. Idle ones are closed when there are too many. */
struct aggr_http1_connection *aggr_http1_pool_add(struct aggr_http1_pool *pool,
                                                  const struct aggr_exchange_request *request);

/* It is idle from now on. */
void aggr_http1_pool_keep(struct aggr_http1_connection *connection);

/* Closes and frees it. */
void aggr_http1_pool_drop(struct aggr_http1_connection *connection);
