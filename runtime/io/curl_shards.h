/* curl_shards.h -- multi handles on our loop. Each policy has its own, so that connections are
 * never shared between policies (facts 1); each carries a few easy handles only, because libcurl's
 * search for a connection looks at all of a multi handle's (facts 13).
 *
 * Owns multi handles and spare easy handles; borrows loop, sockets and policies, and the handles
 * that run. Everything curl calls back takes note, nothing else (facts 4); `ops` come after it.
 *
 *   init -> (get -> add -> [on_done] -> remove)* -> deinit
 */
#pragma once
#include "io/curl_handle.h"
#include "io/loop.h"

/* One multi handle. Filled from the lowest, so that idle connections are used again. */
struct aggr_curl_shard {
    struct aggr_socket_user user;
    CURLM *multi;
    struct aggr_curl_pool *pool;
    unsigned index, running;
    bool acting;             /* curl is at work on it, or what it has ended is being told */
    struct aggr_timer timer; /* libcurl's */
    struct aggr_taught taught;
};

/* Everything of one policy. */
struct aggr_curl_pool {
    struct aggr_curl_shards *shards;
    const struct aggr_policy *policy;
    struct aggr_curl_shard **all; /* owned */
    unsigned len, lowest;         /* none below `lowest` has room */
    struct aggr_list idle;        /* handles, the last used first */
    unsigned idle_len;
};

struct aggr_curl_shards_ops {
    size_t shard_size;                              /* of a struct that begins with a shard */
    void (*on_begin)(struct aggr_curl_shard *self); /* a new one */
    void (*on_end)(struct aggr_curl_shard *self);   /* it is about to be freed */
    void (*on_acted)(struct aggr_curl_shard *self, int fd); /* curl has looked at a socket, or -1 */
    /* curl is done with a handle, which stays where it is; it may be removed. */
    void (*on_done)(struct aggr_curl_handle *handle, CURLcode code);
    struct aggr_curl_handle *(*make)(struct aggr_curl_pool *pool); /* NULL: out of memory */
    void (*free)(struct aggr_curl_handle *handle);
};

struct aggr_curl_shards {
    struct aggr_loop *loop;
    const struct aggr_curl_shards_ops *ops;
    struct aggr_sockets sockets;
    struct aggr_curl_pool **pools; /* owned, by policy id; NULL until used */
    unsigned len, count;           /* pools there is room for; shards in all */
    unsigned starting;             /* handles that run and may have to open a socket yet */
};

enum { AGGR_CURL_SHARD_MAX = 48 };

/* Into {0}; libcurl is loaded. */
void aggr_curl_shards_init(struct aggr_curl_shards *shards, struct aggr_loop *loop,
                           const struct aggr_curl_shards_ops *ops);

/* Nothing runs. */
void aggr_curl_shards_deinit(struct aggr_curl_shards *shards);

/* A handle to be prepared for, and added to, `*shard`; or freed. NULL: out of memory. */
struct aggr_curl_handle *aggr_curl_shards_get(struct aggr_curl_shards *shards,
                                              const struct aggr_policy *policy,
                                              struct aggr_curl_shard **shard);

enum aggr_err aggr_curl_shards_add(struct aggr_curl_shard *shard, struct aggr_curl_handle *handle);

/* Off the loop: no event of it comes any more, and what it has dialled is closed, unless curl keeps
 * it for others. The handle is freed, or kept as a spare one when it can be. */
void aggr_curl_shards_remove(struct aggr_curl_handle *handle, bool can_be_spare);

/* Open ones, and those that are about to be. */
unsigned aggr_curl_shards_sockets(const struct aggr_curl_shards *shards);

/* What the multi handles have open beside those. */
unsigned aggr_curl_shards_descriptors(const struct aggr_curl_shards *shards);

/* Frees a multi handle that nothing runs on, with the idle connections that it keeps. False: there
 * is none. */
bool aggr_curl_shards_trim(struct aggr_curl_shards *shards);

/* Has curl look at a socket now. Not from within `ops`. */
void aggr_curl_shards_look(struct aggr_curl_shard *shard, int fd);
