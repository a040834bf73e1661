#include "base/table.h"
#include "base/err.h"
#include "base/mem.h"
#include <string.h>

enum { FIRST_SIZE = 16 };

void aggr_table_deinit(struct aggr_table *table)
{
    AGGR_CHECK(table->len == 0);
    free(table->chains);
    *table = (struct aggr_table){0};
}

static struct aggr_list *chain_of(const struct aggr_table *table, uint64_t hash)
{
    return &table->chains[hash & (table->size - 1)];
}

struct aggr_table_node *aggr_table_find(const struct aggr_table *table, uint64_t hash,
                                        bool (*matches)(const struct aggr_table_node *node,
                                                        const void *key),
                                        const void *key)
{
    if (table->size == 0)
        return NULL;
    struct aggr_list *chain = chain_of(table, hash);
    for (struct aggr_list *link = chain->next; link != chain; link = link->next) {
        struct aggr_table_node *node = AGGR_LIST_ENTRY(link, struct aggr_table_node, link);
        if (node->hash == hash && matches(node, key))
            return node;
    }
    return NULL;
}

/* Spread the nodes over `size` new chains. */
static void rehash(struct aggr_table *table, size_t size)
{
    struct aggr_table old = *table;
    table->chains = aggr_mem_new(size, sizeof *table->chains);
    table->size = size;
    for (size_t i = 0; i < size; i++)
        aggr_list_init(&table->chains[i]);
    for (size_t i = 0; i < old.size; i++) {
        struct aggr_list *link;
        while ((link = aggr_list_shift(&old.chains[i]))) {
            struct aggr_table_node *node = AGGR_LIST_ENTRY(link, struct aggr_table_node, link);
            aggr_list_push(chain_of(table, node->hash), link);
        }
    }
    free(old.chains);
}

void aggr_table_insert(struct aggr_table *table, struct aggr_table_node *node, uint64_t hash)
{
    if (table->len == table->size)
        rehash(table, table->size ? table->size * 2 : FIRST_SIZE);
    node->hash = hash;
    aggr_list_push(chain_of(table, hash), &node->link);
    table->len++;
}

void aggr_table_remove(struct aggr_table *table, struct aggr_table_node *node)
{
    AGGR_CHECK(table->len > 0);
    aggr_list_remove(&node->link);
    if (--table->len < table->size / 8 && table->size > FIRST_SIZE)
        rehash(table, table->size / 4);
}

static uint64_t mixed(uint64_t word)
{
    word = (word ^ (word >> 32)) * 0xff51afd7ed558ccdu;
    return word ^ (word >> 32);
}

uint64_t aggr_table_hash(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t hash = len, word;
    for (; len >= sizeof word; at += sizeof word, len -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = mixed(hash ^ word);
    }
    word = 0;
    memcpy(&word, at, len);
    return mixed(hash ^ word);
}
