#include "io/taught.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 512 };

struct name {
    struct aggr_table_node node;
    struct aggr_list age;
    uint64_t answer_id;
    char text[];
};

void aggr_taught_init(struct aggr_taught *taught)
{
    taught->names = (struct aggr_table){0};
    aggr_list_init(&taught->by_age);
}

static void forget(struct aggr_taught *taught, struct name *name)
{
    aggr_table_remove(&taught->names, &name->node);
    aggr_list_remove(&name->age);
    free(name);
}

void aggr_taught_deinit(struct aggr_taught *taught)
{
    while (!aggr_list_empty(&taught->by_age))
        forget(taught, AGGR_LIST_ENTRY(taught->by_age.next, struct name, age));
    aggr_table_deinit(&taught->names);
}

static bool is_text(const struct aggr_table_node *node, const void *text)
{
    return strcmp(AGGR_LIST_ENTRY(node, const struct name, node)->text, text) == 0;
}

static struct name *find(const struct aggr_taught *taught, const char *text, uint64_t hash)
{
    struct aggr_table_node *node = aggr_table_find(&taught->names, hash, is_text, text);
    return node ? AGGR_LIST_ENTRY(node, struct name, node) : NULL;
}

uint64_t aggr_taught_find(const struct aggr_taught *taught, const char *text)
{
    struct name *name = find(taught, text, aggr_table_hash(text, strlen(text)));
    return name ? name->answer_id : 0;
}

void aggr_taught_note(struct aggr_taught *taught, const char *text, uint64_t answer_id)
{
    size_t len = strlen(text);
    uint64_t hash = aggr_table_hash(text, len);
    struct name *name = find(taught, text, hash);
    if (!name) {
        name = aggr_mem_new(1, sizeof *name + len + 1);
        memcpy(name->text, text, len);
        aggr_list_push(&taught->by_age, &name->age);
        aggr_table_insert(&taught->names, &name->node, hash);
    }
    name->answer_id = answer_id;
}

char *aggr_taught_drop(struct aggr_taught *taught)
{
    if (taught->names.len < NAMES_MAX)
        return NULL;
    struct name *oldest = AGGR_LIST_ENTRY(taught->by_age.next, struct name, age);
    char *text = aggr_mem_strdup(oldest->text);
    forget(taught, oldest);
    return text;
}
