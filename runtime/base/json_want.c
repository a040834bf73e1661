#include "base/json_want.h"
#include "base/json_text.h"
#include <string.h>

uint32_t aggr_json_want_index(const char *key, size_t len)
{
    uint64_t index = 0;
    if (len == 0 || len > 10 || (key[0] == '0' && len > 1))
        return AGGR_JSON_NOWHERE;
    for (size_t i = 0; i < len; i++) {
        if (key[i] < '0' || key[i] > '9')
            return AGGR_JSON_NOWHERE;
        index = index * 10 + (uint64_t)(key[i] - '0');
    }
    return index < AGGR_JSON_NOWHERE ? (uint32_t)index : AGGR_JSON_NOWHERE;
}

static int compare(const struct aggr_json_want *want, const char *key, size_t len)
{
    if (want->len != len)
        return want->len < len ? -1 : 1;
    return memcmp(want->key, key, len);
}

static uint32_t find(const struct aggr_json_wants *wants, uint32_t place, const char *key,
                     size_t len)
{
    uint32_t low = wants->places[place].first, high = wants->places[place].behind;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare(&wants->places[middle], key, len);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return AGGR_JSON_NOWHERE;
}

uint32_t aggr_json_wants_member(const struct aggr_json_wants *wants, uint32_t place,
                                const char *key, size_t len)
{
    if (len > wants->longest * 6)
        return AGGR_JSON_NOWHERE;
    if (!memchr(key, '\\', len))
        return find(wants, place, key, len);
    char *out = wants->scratch;
    const char *at = key;
    aggr_json_unescape(&at, key + len, key + len + 1, &out);
    return find(wants, place, wants->scratch, (size_t)(out - wants->scratch));
}

uint32_t aggr_json_wants_item(const struct aggr_json_wants *wants, uint32_t place, uint32_t *cursor,
                              uint32_t index)
{
    uint32_t behind = wants->places[place].behind;
    for (; *cursor < behind; ++*cursor) {
        uint32_t next = wants->places[*cursor].index;
        if (next == AGGR_JSON_NOWHERE || next < index)
            continue;
        return next == index ? *cursor : AGGR_JSON_NOWHERE;
    }
    return AGGR_JSON_NOWHERE;
}

bool aggr_json_wants_found(const struct aggr_json_wants *wants, uint32_t place)
{
    const struct aggr_json_want *places = wants->places;
    if (!places[place].from)
        return false;
    for (; place > 0; place = places[place].parent)
        if (places[place].from < places[places[place].parent].from)
            return false;
    return true;
}
