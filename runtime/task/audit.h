/* audit.h -- what of all that a run has made is left, each with the line that made it (--audit).
 *
 * Keeps the book of a ledger: an entry for whatever is there now. Owns the entries and what it has
 * found to be left; borrows ledger and scheduler.
 *
 *   new -> watch -> [begin -> find] -> find -> find -> free
 */
#pragma once
#include "task/book.h"

struct aggr_audit;
struct aggr_sched;

/* One kind of left-over of one line. */
struct aggr_leftover {
    struct aggr_list link;
    enum aggr_ledger_row row;
    uint64_t count;             /* bytes, in that row */
    char place[AGGR_BOOK_TEXT]; /* "pipeline.lua:12"; "" when no line is known */
    char what[AGGR_BOOK_TEXT];  /* one thing more to say; "" */
};

/* When it is that something should be gone. */
enum aggr_audit_moment {
    AGGR_AUDIT_SCRIPT_ENDED, /* the running task is the only one there may be; nothing is idle,
                                unless requests are left: then sockets are not looked at yet */
    AGGR_AUDIT_RUN_ENDED,    /* no task is there; connections may be idle */
    AGGR_AUDIT_TORN_DOWN,    /* there is nothing any more */
};

/* Of a runtime that has just been set up: its own descriptors are not counted. */
struct aggr_audit *aggr_audit_new(struct aggr_ledger *ledger);
void aggr_audit_free(struct aggr_audit *audit);

/* Whose tasks make things, until the run has ended. */
void aggr_audit_watch(struct aggr_audit *audit, struct aggr_sched *sched);

/* The script begins: descriptors that are open now are not its own. */
void aggr_audit_begin(struct aggr_audit *audit);

/* Notes what is left at this moment, and has not been noted before. */
void aggr_audit_find(struct aggr_audit *audit, enum aggr_audit_moment moment);

/* The audit that keeps this ledger's book, or NULL. */
struct aggr_audit *aggr_audit_of(const struct aggr_ledger *ledger);

/* What is made from now on is made by the code that runs on `L`, not by a task that waits; NULL:
 * as before. */
void aggr_audit_running(struct aggr_audit *audit, lua_State *L);

/* Entries of `row` that are there now. */
size_t aggr_audit_open(const struct aggr_audit *audit, enum aggr_ledger_row row);

/* What was noted. */
const struct aggr_ledger *aggr_audit_ledger(const struct aggr_audit *audit);
const struct aggr_list *aggr_audit_leftovers(const struct aggr_audit *audit);
uint64_t aggr_audit_left(const struct aggr_audit *audit, enum aggr_ledger_row row);
bool aggr_audit_clean(const struct aggr_audit *audit);

/* "tasks" */
const char *aggr_audit_row_name(enum aggr_ledger_row row);

/* Does the ledger know how many were made? */
bool aggr_audit_row_counted(enum aggr_ledger_row row);
