#include "task/audit.h"
#include "base/mem.h"
#include "io/descriptors.h"
#include "io/peer.h"
#include "task/sched.h"
#include "task/task.h"
#include <stdio.h>
#include <string.h>

/* `counted`: the ledger is told of each; at `run_ends`, none of it may be there. */
static const struct {
    const char *name;
    bool counted, run_ends;
} rows[AGGR_LEDGER_ROWS] = {
    [AGGR_LEDGER_TASKS] = {"tasks", true, true},
    [AGGR_LEDGER_REQUESTS] = {"requests", true, true},
    [AGGR_LEDGER_SOCKETS] = {"sockets", true, false},
    [AGGR_LEDGER_TIMERS] = {"timers", true, false},
    [AGGR_LEDGER_JOBS] = {"jobs", true, false},
    [AGGR_LEDGER_DESCRIPTORS] = {"descriptors", true, true},
    [AGGR_LEDGER_HANDLES] = {"handles", false, false},
    [AGGR_LEDGER_BYTES] = {"bytes", true, true},
};

struct aggr_audit {
    struct aggr_book book;
    struct aggr_descriptors ours;   /* open when the runtime stood, and what has been noted since */
    struct aggr_descriptors before; /* open when the script began */
    bool begun;
    struct aggr_list leftovers;
    uint64_t left[AGGR_LEDGER_ROWS];
};

struct aggr_audit *aggr_audit_new(struct aggr_ledger *ledger)
{
    struct aggr_audit *audit = aggr_mem_new(1, sizeof *audit);
    aggr_book_init(&audit->book, ledger);
    aggr_list_init(&audit->leftovers);
    aggr_descriptors_read(&audit->ours);
    return audit;
}

void aggr_audit_free(struct aggr_audit *audit)
{
    struct aggr_list *link;
    if (!audit)
        return;
    while ((link = aggr_list_shift(&audit->leftovers)))
        free(AGGR_LIST_ENTRY(link, struct aggr_leftover, link));
    aggr_book_deinit(&audit->book);
    aggr_descriptors_deinit(&audit->ours);
    aggr_descriptors_deinit(&audit->before);
    free(audit);
}

void aggr_audit_watch(struct aggr_audit *audit, struct aggr_sched *sched)
{
    audit->book.sched = sched;
}

void aggr_audit_begin(struct aggr_audit *audit)
{
    aggr_descriptors_read(&audit->before);
    audit->begun = true;
}

struct aggr_audit *aggr_audit_of(const struct aggr_ledger *ledger)
{
    return ledger->book ? AGGR_LIST_ENTRY(ledger->book, struct aggr_audit, book.base) : NULL;
}

void aggr_audit_running(struct aggr_audit *audit, lua_State *L)
{
    audit->book.running = L;
}

static void note(struct aggr_audit *audit, enum aggr_ledger_row row, uint64_t count,
                 const char *place, const char *what)
{
    audit->left[row] += count;
    for (struct aggr_list *at = audit->leftovers.next; at != &audit->leftovers; at = at->next) {
        struct aggr_leftover *known = AGGR_LIST_ENTRY(at, struct aggr_leftover, link);
        if (known->row == row && strcmp(known->place, place) == 0 &&
            strcmp(known->what, what) == 0) {
            known->count += count;
            return;
        }
    }
    struct aggr_leftover *made = aggr_mem_new(1, sizeof *made);
    made->row = row;
    made->count = count;
    snprintf(made->place, sizeof made->place, "%s", place);
    snprintf(made->what, sizeof made->what, "%s", what);
    aggr_list_push(&audit->leftovers, &made->link);
}

/* NULL: it has ended. */
static const struct aggr_task *task_of(const struct aggr_sched *sched, uintptr_t key)
{
    if (!sched)
        return NULL;
    for (const struct aggr_list *at = sched->tasks.next; at != &sched->tasks; at = at->next) {
        const struct aggr_task *task = AGGR_LIST_ENTRY(at, const struct aggr_task, all);
        if ((uintptr_t)task == key)
            return task;
    }
    return NULL;
}

static void describe_task(struct aggr_audit *audit, struct aggr_book_entry *entry)
{
    const struct aggr_task *task = task_of(audit->book.sched, entry->key);
    char place[AGGR_BOOK_TEXT];
    if (!task)
        return;
    aggr_book_spawned(entry->place, task,
                      audit->book.running ? audit->book.running : task->sched->L);
    if (task->state != AGGR_TASK_WAITING || !task->wait)
        return;
    aggr_book_place(place, task->waiting);
    snprintf(entry->what, sizeof entry->what, "waits in %s%s%.160s", task->wait->ops->name,
             place[0] ? " at " : "", place);
}

static void describe_socket(struct aggr_book_entry *entry)
{
    char peer[AGGR_PEER_NAME];
    aggr_peer_address((int)entry->key, peer, sizeof peer);
    if (peer[0])
        snprintf(entry->what, sizeof entry->what, "to %s", peer);
}

static void note_entry(struct aggr_audit *audit, struct aggr_book_entry *entry)
{
    entry->noted = true;
    if (entry->row == AGGR_LEDGER_TASKS)
        describe_task(audit, entry);
    else if (entry->row == AGGR_LEDGER_SOCKETS)
        describe_socket(entry);
    note(audit, entry->row, entry->amount, entry->place, entry->what);
}

/* While a request is in flight, idle connections stay as well. */
static bool has_idle(const struct aggr_audit *audit)
{
    return aggr_audit_open(audit, AGGR_LEDGER_REQUESTS) > 0;
}

static bool may_be_there(const struct aggr_audit *audit, const struct aggr_book_entry *entry,
                         enum aggr_audit_moment moment)
{
    const struct aggr_sched *sched = audit->book.sched;
    if (moment == AGGR_AUDIT_SCRIPT_ENDED && entry->row == AGGR_LEDGER_TASKS)
        return entry->key == (uintptr_t)sched->current;
    if (moment == AGGR_AUDIT_SCRIPT_ENDED)
        return entry->row == AGGR_LEDGER_SOCKETS && has_idle(audit);
    return moment == AGGR_AUDIT_RUN_ENDED && !rows[entry->row].run_ends;
}

/* Nothing but /proc knows of it. */
static bool is_unknown(const struct aggr_audit *audit, const struct aggr_descriptor *descriptor,
                       bool early)
{
    uintptr_t key = (uintptr_t)descriptor->fd;
    return !aggr_descriptors_has(&audit->ours, descriptor) &&
           !(early && aggr_descriptors_has(&audit->before, descriptor)) &&
           !aggr_book_find(&audit->book, AGGR_LEDGER_SOCKETS, key) &&
           !aggr_book_find(&audit->book, AGGR_LEDGER_DESCRIPTORS, key);
}

static void find_descriptors(struct aggr_audit *audit, bool early)
{
    struct aggr_descriptors now = {0};
    aggr_descriptors_read(&now);
    for (size_t i = 0; i < now.len; i++) {
        char target[AGGR_BOOK_TEXT - 40], what[AGGR_BOOK_TEXT];
        if (!is_unknown(audit, &now.all[i], early))
            continue;
        aggr_descriptors_add(&audit->ours, &now.all[i]);
        aggr_descriptors_target(now.all[i].fd, target, sizeof target);
        snprintf(what, sizeof what, "descriptor %d, %s", now.all[i].fd, target);
        note(audit, AGGR_LEDGER_DESCRIPTORS, 1, "", what);
    }
    aggr_descriptors_deinit(&now);
}

void aggr_audit_find(struct aggr_audit *audit, enum aggr_audit_moment moment)
{
    bool early = moment == AGGR_AUDIT_SCRIPT_ENDED;
    struct aggr_list *all = &audit->book.all;
    for (struct aggr_list *at = all->next; at != all; at = at->next) {
        struct aggr_book_entry *entry = AGGR_LIST_ENTRY(at, struct aggr_book_entry, link);
        if (!entry->noted && !may_be_there(audit, entry, moment))
            note_entry(audit, entry);
    }
    if (moment == AGGR_AUDIT_RUN_ENDED)
        audit->book.sched = NULL;
    if (moment == AGGR_AUDIT_TORN_DOWN || (early && audit->begun && !has_idle(audit)))
        find_descriptors(audit, early);
}

size_t aggr_audit_open(const struct aggr_audit *audit, enum aggr_ledger_row row)
{
    return (size_t)(audit->book.ledger->made[row] - audit->book.ledger->gone[row]);
}

const struct aggr_ledger *aggr_audit_ledger(const struct aggr_audit *audit)
{
    return audit->book.ledger;
}

const struct aggr_list *aggr_audit_leftovers(const struct aggr_audit *audit)
{
    return &audit->leftovers;
}

uint64_t aggr_audit_left(const struct aggr_audit *audit, enum aggr_ledger_row row)
{
    return audit->left[row];
}

bool aggr_audit_clean(const struct aggr_audit *audit)
{
    return aggr_list_empty(&audit->leftovers);
}

const char *aggr_audit_row_name(enum aggr_ledger_row row)
{
    return rows[row].name;
}

bool aggr_audit_row_counted(enum aggr_ledger_row row)
{
    return rows[row].counted;
}
