/* table.h -- an intrusive hash table: chains of nodes that live in their owners' structs.
 *
 * Owns the array of chains; borrows each node from insert to remove. The caller hashes and
 * compares. Not for keys an attacker could choose by the million: chains are plain lists.
 *
 *   {0} -> insert / find / remove * -> deinit (empty)
 */
#pragma once
#include "base/list.h"
#include <stdint.h>

struct aggr_table_node {
    struct aggr_list link;
    uint64_t hash;
};

struct aggr_table {
    struct aggr_list *chains; /* owned; their number is a power of two, or 0 */
    size_t len, size;         /* nodes, chains */
};

void aggr_table_deinit(struct aggr_table *table);

/* The first node with `hash` for which `matches(node, key)` holds, or NULL. */
struct aggr_table_node *aggr_table_find(const struct aggr_table *table, uint64_t hash,
                                        bool (*matches)(const struct aggr_table_node *node,
                                                        const void *key),
                                        const void *key);

/* Whether an equal one is there already is the caller's business. */
void aggr_table_insert(struct aggr_table *table, struct aggr_table_node *node, uint64_t hash);

void aggr_table_remove(struct aggr_table *table, struct aggr_table_node *node);

/* 64 well-mixed bits of `len` bytes. */
uint64_t aggr_table_hash(const void *bytes, size_t len);
