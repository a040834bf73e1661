/* lookup.h -- addresses of names, by getaddrinfo on offload's threads, remembered for a while.
 *
 * One look-up per name is under way at a time; answers live 30 s, failures 2 s (getaddrinfo tells
 * no TTL). Owns the answers; borrows each query from its caller until it is answered or cancelled.
 * Never calls back from start.
 *
 *   start -> (answer at once | on_answer from the loop | cancel)
 */
#pragma once
#include "base/list.h"
#include "io/offload.h"
#include <netdb.h>

struct aggr_lookup;

/* What became of a name; counted references. */
struct aggr_answer {
    unsigned refs;
    uint64_t id;     /* another one for each answer that differs from the one before */
    char *addresses; /* owned: "127.0.0.1" or "192.0.2.1,[2001:db8::1]"; NULL: the look-up failed */
    const char *why; /* static text, when it failed */
};

static inline struct aggr_answer *aggr_answer_retain(struct aggr_answer *answer)
{
    ++answer->refs;
    return answer;
}

/* NULL is fine. */
void aggr_answer_release(struct aggr_answer *answer);

struct aggr_query {
    struct aggr_list link; /* in its name's list while waiting */
    struct aggr_lookup_entry *entry;
    /* From the loop, once. `answer` is borrowed for the call. */
    void (*on_answer)(struct aggr_query *self, struct aggr_answer *answer);
};

typedef int aggr_lookup_function(const char *name, const char *service,
                                 const struct addrinfo *hints, struct addrinfo **found);

/* `resolve` is getaddrinfo or a stand-in whose lists freeaddrinfo takes; called on other threads,
 * even after aggr_lookup_free. */
struct aggr_lookup *aggr_lookup_new(struct aggr_loop *loop, struct aggr_offload *offload,
                                    aggr_lookup_function *resolve);

/* No query may be waiting. */
void aggr_lookup_free(struct aggr_lookup *lookup);

/* The remembered answer (retain it to keep it past the next turn), else NULL and `query` waits.
 * `host` is a name in lower case. */
struct aggr_answer *aggr_lookup_start(struct aggr_lookup *lookup, const char *host,
                                      struct aggr_query *query);

/* The query is forgotten; when it was the last for its name the look-up is abandoned. */
void aggr_lookup_cancel(struct aggr_query *query);
