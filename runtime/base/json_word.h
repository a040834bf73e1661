/* json_word.h -- eight bytes of a text at once, the first one lowest; sixteen with SSE2, which
 * tests switch off (AGGR_JSON_WORDS). */
#pragma once
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined __SSE2__ && !defined AGGR_JSON_WORDS
#define AGGR_JSON_SSE2
#include <emmintrin.h>
#endif

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

#ifdef AGGR_JSON_SSE2
/* A bit for each of sixteen bytes that is special. As signed numbers, all that is not ASCII is less
 * than a space. */
static inline unsigned aggr_json_special_bits(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)at);
    __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                              _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
                                 _mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')));
    return (unsigned)_mm_movemask_epi8(found);
}
#endif

/* Where a string stops being plain ASCII without escapes: its quote at the latest, or `stop`.
 * Inline, as most strings are plain and short. */
static inline const char *aggr_json_plain_end(const char *at, const char *stop)
{
#ifdef AGGR_JSON_SSE2
    while (stop - at >= 16) {
        unsigned found = aggr_json_special_bits(at);
        if (found)
            return at + __builtin_ctz(found);
        at += 16;
    }
#endif
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

/* Copies what is plain up to `stop`, and less than eight bytes too much. */
static inline void aggr_json_copy_plain(const char **at, const char *stop, char **out)
{
    const char *from = *at;
    char *to = *out;
    while (stop - from >= 8) {
        uint64_t found = aggr_json_special_bytes(aggr_json_word_load(from));
        size_t len = found ? (size_t)__builtin_ctzll(found) / 8 : 8;
        memcpy(to, from, 8);
        from += len;
        to += len;
        if (found)
            break;
    }
    while (from < stop && !aggr_json_is_special((unsigned char)*from))
        *to++ = *from++;
    *at = from;
    *out = to;
}

/* memcmp, for what is as short as keys are. */
static inline bool aggr_json_are_equal(const char *a, const char *b, size_t len)
{
    if (len < sizeof(uint64_t)) {
        for (size_t i = 0; i < len; i++)
            if (a[i] != b[i])
                return false;
        return true;
    }
    size_t last = len - sizeof(uint64_t);
    for (size_t i = 0; i < last; i += sizeof(uint64_t))
        if (aggr_json_word_load(a + i) != aggr_json_word_load(b + i))
            return false;
    return aggr_json_word_load(a + last) == aggr_json_word_load(b + last);
}

/* Copies a string of which nothing is known, if all of it is plain; else what is at `out` is
 * undefined, and false is returned. Inline and without a loop by bytes, for short ones. */
static inline bool aggr_json_copy_short(char *out, const char *bytes, size_t len)
{
    if (len >= 8) {
        size_t last = len - 8;
        uint64_t found = 0;
        for (size_t i = 0; i < last; i += 8) {
            found |= aggr_json_special_bytes(aggr_json_word_load(bytes + i));
            memcpy(out + i, bytes + i, 8);
        }
        found |= aggr_json_special_bytes(aggr_json_word_load(bytes + last));
        memcpy(out + last, bytes + last, 8);
        return found == 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (aggr_json_is_special((unsigned char)bytes[i]))
            return false;
        out[i] = bytes[i];
    }
    return true;
}

static inline bool aggr_json_is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Where white space ends, or `stop`. Inline, as there mostly is none, or a longer run of it. */
static inline const char *aggr_json_space_end(const char *at, const char *stop)
{
    if (at >= stop || !aggr_json_is_space(*at))
        return at;
    at++;
#ifdef AGGR_JSON_SSE2
    while (stop - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i space = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')),
                                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'))),
                                     _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')),
                                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'))));
        unsigned others = (unsigned)_mm_movemask_epi8(space) ^ 0xffff;
        if (others)
            return at + __builtin_ctz(others);
        at += 16;
    }
#endif
    while (at < stop && aggr_json_is_space(*at))
        at++;
    return at;
}

static inline bool aggr_json_is_digit(char byte)
{
    return (unsigned char)(byte - '0') < 10;
}

/* Of a word of digits less '0' each: the high bit of the first byte that was no digit, and perhaps
 * of others behind it. */
static inline uint64_t aggr_json_not_digits(uint64_t digits)
{
    return (digits | (digits + AGGR_JSON_EACH_BYTE(0x80 - 10))) & AGGR_JSON_EACH_BYTE(0x80);
}

/* Where digits end. By words, as no processor can guess how many come. */
static inline const char *aggr_json_digits_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t others = aggr_json_not_digits(aggr_json_word_load(at) ^ AGGR_JSON_EACH_BYTE('0'));
        if (others)
            return at + __builtin_ctzll(others) / 8;
        at += 8;
    }
    while (aggr_json_is_digit(*at))
        at++;
    return at;
}

/* A letter, digit or sign right behind a number is a part of it that must not be there. */
static inline bool aggr_json_goes_on(char byte)
{
    unsigned char lower = (unsigned char)byte | 0x20;
    return aggr_json_is_digit(byte) || (lower >= 'a' && lower <= 'z') || byte == '.' ||
           byte == '+' || byte == '-' || byte == '_';
}
