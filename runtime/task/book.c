#include "task/book.h"
#include "base/mem.h"
#include "task/report.h"
#include "task/sched.h"
#include "task/task.h"
#include "task/wait.h"
#include <stdio.h>
#include <string.h>

struct key {
    enum aggr_ledger_row row;
    uintptr_t key;
};

static bool matches(const struct aggr_table_node *node, const void *wanted)
{
    const struct aggr_book_entry *entry = AGGR_LIST_ENTRY(node, struct aggr_book_entry, node);
    const struct key *key = wanted;
    return entry->row == key->row && entry->key == key->key;
}

static uint64_t hash_of(enum aggr_ledger_row row, uintptr_t key)
{
    return aggr_table_hash(&key, sizeof key) + row;
}

struct aggr_book_entry *aggr_book_find(const struct aggr_book *book, enum aggr_ledger_row row,
                                       uintptr_t key)
{
    struct key wanted = {row, key};
    struct aggr_table_node *node =
        aggr_table_find(&book->entries, hash_of(row, key), matches, &wanted);
    return node ? AGGR_LIST_ENTRY(node, struct aggr_book_entry, node) : NULL;
}

/* A chunk's name as errors have it. */
static void write_place(char out[AGGR_BOOK_TEXT], const char *source, int line)
{
    bool named = source[0] == '@' || source[0] == '=';
    snprintf(out, AGGR_BOOK_TEXT, "%.160s:%d", named ? source + 1 : "[string]", line);
}

void aggr_book_place(char out[AGGR_BOOK_TEXT], lua_State *L)
{
    lua_Debug ar;
    out[0] = '\0';
    if (!L || !aggr_report_line(L, 0, &ar))
        return;
    write_place(out, ar.source, ar.currentline);
}

/* Nothing of this may raise: the names of the fields are strings of the library's, so that no
 * memory is taken. */
void aggr_book_spawned(char out[AGGR_BOOK_TEXT], const struct aggr_task *task, lua_State *L)
{
    int top = lua_gettop(L);
    out[0] = '\0';
    aggr_task_push(L, task);
    if (lua_istable(L, -1)) {
        lua_pushliteral(L, "spawned_in");
        lua_rawget(L, -2);
        lua_pushliteral(L, "spawned_line");
        lua_rawget(L, -3);
        if (lua_type(L, -2) == LUA_TSTRING)
            write_place(out, lua_tostring(L, -2), (int)lua_tointeger(L, -1));
    }
    lua_settop(L, top);
}

/* The line where the task waits; where the library does so by itself, the one that spawned it. */
static void place_waiting(char out[AGGR_BOOK_TEXT], const struct aggr_task *task)
{
    aggr_book_place(out, task->waiting);
    if (!out[0])
        aggr_book_place(out, task->co);
    if (!out[0] && !task->sched->current)
        aggr_book_spawned(out, task, task->sched->L);
}

static void describe(struct aggr_book *book, struct aggr_book_entry *entry, const char *what)
{
    const struct aggr_task *doer = book->ledger->doer;
    const struct aggr_task *current = book->sched ? book->sched->current : NULL;
    const struct aggr_book_entry *request = NULL;
    if (entry->row == AGGR_LEDGER_BYTES)
        request = aggr_book_find(book, AGGR_LEDGER_REQUESTS, entry->key);
    if (request)
        memcpy(entry->place, request->place, sizeof entry->place);
    else if (book->running)
        aggr_book_place(entry->place, book->running);
    else if (doer)
        place_waiting(entry->place, doer);
    else if (current)
        aggr_book_place(entry->place, current->co);
    if (!what && doer && doer->wait)
        what = doer->wait->ops->name;
    snprintf(entry->what, sizeof entry->what, "%s", what ? what : "");
}

static void insert(struct aggr_book *book, struct aggr_book_entry *entry, uintptr_t key)
{
    entry->key = key;
    aggr_table_insert(&book->entries, &entry->node, hash_of(entry->row, key));
}

/* What had this key is gone, and nobody told, such as a file that the collector has closed. */
static void rename_entry(struct aggr_book *book, struct aggr_book_entry *entry)
{
    aggr_table_remove(&book->entries, &entry->node);
    insert(book, entry, UINTPTR_MAX - book->renamed++);
}

static void on_made(struct aggr_ledger_book *self, enum aggr_ledger_row row, uintptr_t key,
                    uint64_t amount, const char *what)
{
    struct aggr_book *book = AGGR_LIST_ENTRY(self, struct aggr_book, base);
    struct aggr_book_entry *entry = aggr_book_find(book, row, key);
    if (entry && row == AGGR_LEDGER_BYTES) {
        entry->amount += amount;
        return;
    }
    if (entry)
        rename_entry(book, entry);
    entry = aggr_mem_new(1, sizeof *entry);
    entry->row = row;
    entry->amount = amount;
    insert(book, entry, key);
    aggr_list_push(&book->all, &entry->link);
    describe(book, entry, what);
}

static void entry_free(struct aggr_book *book, struct aggr_book_entry *entry)
{
    aggr_table_remove(&book->entries, &entry->node);
    aggr_list_remove(&entry->link);
    free(entry);
}

static void on_gone(struct aggr_ledger_book *self, enum aggr_ledger_row row, uintptr_t key,
                    uint64_t amount)
{
    struct aggr_book *book = AGGR_LIST_ENTRY(self, struct aggr_book, base);
    struct aggr_book_entry *entry = aggr_book_find(book, row, key);
    if (!entry)
        return; /* made before the book was opened */
    entry->amount -= amount < entry->amount ? amount : entry->amount;
    if (entry->amount == 0)
        entry_free(book, entry);
}

void aggr_book_init(struct aggr_book *book, struct aggr_ledger *ledger)
{
    *book = (struct aggr_book){.base = {.on_made = on_made, .on_gone = on_gone}, .ledger = ledger};
    ledger->book = &book->base;
    aggr_list_init(&book->all);
}

void aggr_book_deinit(struct aggr_book *book)
{
    while (!aggr_list_empty(&book->all))
        entry_free(book, AGGR_LIST_ENTRY(book->all.next, struct aggr_book_entry, link));
    aggr_table_deinit(&book->entries);
}
