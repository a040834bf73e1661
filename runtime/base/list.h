/* list.h -- intrusive doubly linked lists. A node is on one list at a time; an unlinked one points
 * to itself. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct aggr_list {
    struct aggr_list *prev, *next;
};

/* The struct of `type` whose `member` is at `node`. */
#define AGGR_LIST_ENTRY(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void aggr_list_init(struct aggr_list *list)
{
    list->prev = list->next = list;
}

static inline bool aggr_list_empty(const struct aggr_list *list)
{
    return list->next == list;
}

/* Put `node` at the end of `list`. */
static inline void aggr_list_push(struct aggr_list *list, struct aggr_list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

/* Unlink `node`; harmless when it is on no list. */
static inline void aggr_list_remove(struct aggr_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    aggr_list_init(node);
}

/* Unlink and return the first node, NULL when empty. */
static inline struct aggr_list *aggr_list_shift(struct aggr_list *list)
{
    struct aggr_list *node = list->next;
    if (node == list)
        return NULL;
    aggr_list_remove(node);
    return node;
}

/* Move all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void aggr_list_splice(struct aggr_list *to, struct aggr_list *from)
{
    if (aggr_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    aggr_list_init(from);
}
