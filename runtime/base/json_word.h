/* json_word.h -- eight bytes of a text at once, the first one lowest. */
#pragma once
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A word of eight bytes of that value. */
#define AGGR_JSON_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

static inline uint64_t aggr_json_word_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* The high bit of each byte that is a quote, a backslash, a control character or not ASCII. Right
 * for the lowest such byte and those below it; that a borrow may mark others above does not matter.
 */
static inline uint64_t aggr_json_special_bytes(uint64_t word)
{
    uint64_t quote = word ^ AGGR_JSON_EACH_BYTE('"'), backslash = word ^ AGGR_JSON_EACH_BYTE('\\');
    uint64_t found = ((quote - AGGR_JSON_EACH_BYTE(1)) & ~quote) |
                     ((backslash - AGGR_JSON_EACH_BYTE(1)) & ~backslash) |
                     (word - AGGR_JSON_EACH_BYTE(' ')) | word;
    return found & AGGR_JSON_EACH_BYTE(0x80);
}

static inline bool aggr_json_is_special(unsigned char byte)
{
    return byte == '"' || byte == '\\' || byte < ' ' || byte >= 0x80;
}

/* Where a string stops being plain ASCII without escapes: its quote at the latest, or `stop`.
 * Inline, as most strings are plain and short. */
static inline const char *aggr_json_plain_end(const char *at, const char *stop)
{
    while (stop - at >= 8) {
        uint64_t found = aggr_json_special_bytes(aggr_json_word_load(at));
        if (found)
            return at + __builtin_ctzll(found) / 8;
        at += 8;
    }
    while (at < stop && !aggr_json_is_special((unsigned char)*at))
        at++;
    return at;
}
