/* scope.h -- the tree of scopes: who is cancelled, why, and who can see it. Plain data: it reads
 * the clock it is given and calls only `on_cancel`.
 *
 * A scope is cancelled by itself (reason set; the first stays) or effectively, by an ancestor that
 * no active shield hides. Members are those whose innermost scope it is; whoever waits among them
 * is told through `on_cancel`, in the order of the tree, and decides what to do.
 * Owns nothing; borrows parent, members and timers from init to deinit.
 *
 *   init -> (cancel | deadline | shield expires)* -> deinit (no children, no members left)
 */
#pragma once
#include "base/clock.h"
#include "base/list.h"
#include "base/timer.h"
#include <stdbool.h>
#include <stdint.h>

enum aggr_reason {
    AGGR_REASON_NONE = 0,
    AGGR_REASON_CANCELLED, /* somebody called cancel, or a sibling failed */
    AGGR_REASON_DEADLINE,  /* its own deadline passed */
    AGGR_REASON_SIGNAL,    /* the run is cut short from outside */
};

struct aggr_scope_member {
    struct aggr_list link; /* in scope->members */
    struct aggr_scope *scope;
};

/* What all scopes of one scheduler share. */
struct aggr_scopes {
    struct aggr_timers *timers; /* borrowed */
    struct aggr_clock *clock;   /* borrowed */
    /* `member` is effectively cancelled from now on. May queue, must not open or close scopes. */
    void (*on_cancel)(struct aggr_scope_member *member);
    uint64_t last_id;
    unsigned open; /* leak counter */
};

struct aggr_scope {
    uint64_t id;
    struct aggr_scopes *all;
    struct aggr_scope *parent; /* NULL for a root */
    struct aggr_list link;     /* in parent->children */
    struct aggr_list children;
    struct aggr_list members;
    uint32_t depth;
    enum aggr_reason reason;
    bool shielded;          /* hides outer cancels until shield_timer is due */
    double timeout_s;       /* default time-out of an attempt made inside; negative = inherit */
    uint64_t defers_due_ns; /* end of the shared defer budget; 0 = not begun */
    struct aggr_timer deadline;
    struct aggr_timer shield_timer;
};

/* A child of `parent` (NULL: a root). */
void aggr_scope_init(struct aggr_scope *scope, struct aggr_scopes *all, struct aggr_scope *parent);
void aggr_scope_deinit(struct aggr_scope *scope);

/* `seconds` from now. Zero, negative or NaN: cancelled at once (R15). Infinite: none. */
void aggr_scope_set_deadline(struct aggr_scope *scope, double seconds);

/* Hide outer cancels for `seconds`; an outer one in force then reaches the members (R18). */
void aggr_scope_set_shield(struct aggr_scope *scope, double seconds);

/* Idempotent: the first reason stays (R8). */
void aggr_scope_cancel(struct aggr_scope *scope, enum aggr_reason reason);

/* The innermost cancelled scope visible from `scope`, itself included; NULL when none is. */
struct aggr_scope *aggr_scope_cancelled(struct aggr_scope *scope);

/* The same, starting outside of `scope`: what its own shield hides is not seen. */
struct aggr_scope *aggr_scope_outer_cancelled(struct aggr_scope *scope);

/* Due time of the nearest deadline visible from `scope`; AGGR_NEVER when there is none. */
uint64_t aggr_scope_due(const struct aggr_scope *scope);

/* Nearest default attempt time-out, negative when none is set. */
double aggr_scope_timeout(const struct aggr_scope *scope);

/* Seconds left for deferred functions run inside `scope`: `budget_s`, and when a cancellation is
 * visible, what is left of the one budget its scope has (R20). */
double aggr_scope_defer_budget(struct aggr_scope *scope, double budget_s);

void aggr_scope_join(struct aggr_scope *scope, struct aggr_scope_member *member);
void aggr_scope_leave(struct aggr_scope_member *member); /* idempotent */

/* "deadline" for AGGR_REASON_DEADLINE; NULL for none. Static. */
const char *aggr_reason_name(enum aggr_reason reason);
