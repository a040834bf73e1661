/* ledger.h -- what has been made and what of it is gone, row by row: counters, and a book of what
 * is there, if somebody keeps one (--audit).
 *
 * Owns nothing; borrows the book and, for as long as it is named, the doer. Not for threads: what
 * they do is told by the loop.
 *
 *   made -> gone         made -> (left)
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum aggr_ledger_row {
    AGGR_LEDGER_TASKS,
    AGGR_LEDGER_REQUESTS,
    AGGR_LEDGER_SOCKETS,     /* key: the descriptor */
    AGGR_LEDGER_TIMERS,      /* but those in the background */
    AGGR_LEDGER_JOBS,        /* of our threads: look-ups, files, output */
    AGGR_LEDGER_DESCRIPTORS, /* made: by io.open and its like, and by aggr.lines */
    AGGR_LEDGER_HANDLES,     /* of libuv; nobody tells of those that are closed in time */
    AGGR_LEDGER_BYTES,       /* of responses, until they are the script's */
    AGGR_LEDGER_ROWS
};

/* Keys tell apart what is there at one time in one row. */
struct aggr_ledger_book {
    void (*on_made)(struct aggr_ledger_book *self, enum aggr_ledger_row row, uintptr_t key,
                    uint64_t amount, const char *what);
    void (*on_gone)(struct aggr_ledger_book *self, enum aggr_ledger_row row, uintptr_t key,
                    uint64_t amount);
};

struct aggr_ledger {
    uint64_t made[AGGR_LEDGER_ROWS], gone[AGGR_LEDGER_ROWS];
    const void
        *doer; /* the waiting task that things are made for just now; NULL: none, or not known */
    struct aggr_ledger_book *book; /* NULL: nobody keeps one */
};

/* `what` is one word more for people, copied; NULL where the row's name says it all. */
static inline void aggr_ledger_made(struct aggr_ledger *ledger, enum aggr_ledger_row row,
                                    uintptr_t key, uint64_t amount, const char *what)
{
    ledger->made[row] += amount;
    if (ledger->book)
        ledger->book->on_made(ledger->book, row, key, amount, what);
}

static inline void aggr_ledger_gone(struct aggr_ledger *ledger, enum aggr_ledger_row row,
                                    uintptr_t key, uint64_t amount)
{
    ledger->gone[row] += amount;
    if (ledger->book)
        ledger->book->on_gone(ledger->book, row, key, amount);
}

/* What is made from now on is made for `doer`. Returns whom it was for, to be put back. */
static inline const void *aggr_ledger_act_for(struct aggr_ledger *ledger, const void *doer)
{
    const void *before = ledger->doer;
    ledger->doer = doer;
    return before;
}
