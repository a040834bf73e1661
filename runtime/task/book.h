/* book.h -- an entry for everything that a ledger knows to be there, with the line that made it.
 *
 * Owns its entries; borrows the scheduler while things are made. For task/audit.c alone.
 *
 *   {0} -> init -> (made -> gone)* -> deinit
 */
#pragma once
#include "base/ledger.h"
#include "base/table.h"
#include <lua.h>
#include <stdbool.h>

struct aggr_sched;
struct aggr_task;

enum { AGGR_BOOK_TEXT = 192 };

struct aggr_book_entry {
    struct aggr_table_node node;
    struct aggr_list link; /* among all, the oldest first */
    enum aggr_ledger_row row;
    uintptr_t key;
    uint64_t amount;
    bool noted;                 /* for the owner to set */
    char place[AGGR_BOOK_TEXT]; /* "pipeline.lua:12"; "" when not known */
    char what[AGGR_BOOK_TEXT];
};

struct aggr_book {
    struct aggr_ledger_book base;
    struct aggr_ledger *ledger; /* borrowed */
    struct aggr_sched *sched;   /* borrowed; NULL: no tasks */
    lua_State *running;         /* what makes things just now, where the task does not tell */
    struct aggr_table entries;
    struct aggr_list all;
    uintptr_t renamed; /* entries whose keys have been given to others */
};

/* From now on it is told of everything. */
void aggr_book_init(struct aggr_book *book, struct aggr_ledger *ledger);
void aggr_book_deinit(struct aggr_book *book);

struct aggr_book_entry *aggr_book_find(const struct aggr_book *book, enum aggr_ledger_row row,
                                       uintptr_t key);

/* The script's line that stands innermost on the stack of `L`; "" when there is none. */
void aggr_book_place(char out[AGGR_BOOK_TEXT], lua_State *L);

/* The line that has spawned `task`; "" when not known. `L` is what runs just now, or the
 * scheduler's own while no task runs. */
void aggr_book_spawned(char out[AGGR_BOOK_TEXT], const struct aggr_task *task, lua_State *L);
