/* backlog.h -- how much of responses may be here that is not the script's yet, and which transfers
 * stand still for it.
 *
 * Past the limit all that can be paused is, but for the transfer whose answer began first: so that
 * one comes to its end, whatever the limit is. Nor does a new one begin. Below three quarters of
 * the limit all go on. Time-outs stand still in a pause of ours.
 *
 * Borrows fetches from enter to leave.
 *
 *   begin -> (enter -> redial* -> answered? -> leave)*      hold at any time
 */
#pragma once
#include "base/budget.h"
#include "base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct aggr_fetch;
struct aggr_runtime;

struct aggr_backlog {
    struct aggr_budget held;  /* bytes, until the script has a copy of them */
    size_t limit;             /* 0: none */
    bool full;                /* has been over it, and is not far enough below it yet */
    struct aggr_list flying;  /* fetches with an exchange, by `flying` */
    struct aggr_list reading; /* of these, those whose answer has begun, in that order */
    struct aggr_fetch *first; /* borrowed: who goes on while it is full; NULL: to be chosen */
    uv_idle_t soon; /* active while somebody is to be paused or to go on in the next turn */
};

void aggr_backlog_init(struct aggr_runtime *rt, size_t limit);
void aggr_backlog_deinit(struct aggr_backlog *backlog);

/* A fetch begins; it has an exchange; that begins anew, maybe before enter; it is over. */
void aggr_backlog_begin(struct aggr_fetch *fetch);
void aggr_backlog_enter(struct aggr_fetch *fetch);
void aggr_backlog_redial(struct aggr_fetch *fetch);
void aggr_backlog_leave(struct aggr_fetch *fetch);

/* Its answer has begun: from inside on_head. */
void aggr_backlog_answered(struct aggr_fetch *fetch);

/* So many bytes of its response are here now; also from inside on_head and on_data. */
void aggr_backlog_hold(struct aggr_fetch *fetch, size_t bytes);
