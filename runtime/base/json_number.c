#include "base/json_number.h"
#include "base/json_word.h"
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the digits say: mantissa x 10^exponent, where the mantissa is right up to 19 digits. */
struct decimal {
    uint64_t mantissa;
    size_t digits;
    int64_t exponent;
};

enum {
    MANTISSA_DIGITS = 19,  /* 10^19 < 2^64 */
    EXACT_POWER = 22,      /* 10^22 is a double */
    WIDE_POWER = 27,       /* 5^27 < 2^63 */
    DECIDING_DIGITS = 800, /* 768 can decide the rounding of a double; what follows is 0 or not */
    LARGEST_EXPONENT = 999999 /* beyond what a number's length can make up for */
};

static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Eight digits as numbers: neighbours are joined to pairs, pairs to fours, fours to the value. */
static uint64_t value_of(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    uint64_t pairs = (digits & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064);
    uint64_t others = (digits >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001);
    return (pairs + others) >> 32;
}

/* By words, as no processor can guess how many digits come. */
static const char *read_digits(const char *at, const char *end, struct decimal *number)
{
    static const uint32_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    const char *first = at;
    int count = 8;
    while (count == 8 && end - at >= 8) {
        uint64_t digits = aggr_json_word_load(at) ^ AGGR_JSON_EACH_BYTE('0');
        uint64_t others = aggr_json_not_digits(digits);
        count = others ? __builtin_ctzll(others) / 8 : 8;
        /* Moved up, with zeros before them; in two steps, as 64 is none. */
        digits = digits << (32 - 4 * count) << (32 - 4 * count);
        number->mantissa = number->mantissa * tens[count] + value_of(digits);
        at += count;
    }
    for (; aggr_json_is_digit(*at); at++)
        number->mantissa = number->mantissa * 10 + (uint64_t)(*at - '0');
    number->digits += (size_t)(at - first);
    return at;
}

/* The exponent behind an e; NULL: it has no digits. */
static const char *read_exponent(const char *at, int64_t *exponent)
{
    bool negative = *at == '-';
    if (negative || *at == '+')
        at++;
    if (!aggr_json_is_digit(*at))
        return NULL;
    int64_t value = 0;
    for (; aggr_json_is_digit(*at); at++)
        if (value < LARGEST_EXPONENT)
            value = value * 10 + (*at - '0');
    *exponent += negative ? -value : value;
    return at;
}

/* What is behind the number without its sign at `at`; NULL: it is none. */
static const char *read_decimal(const char *at, const char *end, struct decimal *number)
{
    const char *first = at;
    at = read_digits(at, end, number);
    if (at == first || (*first == '0' && at - first > 1))
        return NULL;
    if (*at == '.') {
        const char *fraction = at + 1;
        at = read_digits(fraction, end, number);
        if (at == fraction)
            return NULL;
        number->exponent = fraction - at;
    }
    if (*at == 'e' || *at == 'E')
        at = read_exponent(at + 1, &number->exponent);
    return at;
}

/* One rounding: the mantissa and the power are doubles. */
static bool is_exact(const struct decimal *number)
{
    return number->digits <= MANTISSA_DIGITS && number->mantissa <= UINT64_C(1) << DBL_MANT_DIG &&
           number->exponent >= -EXACT_POWER && number->exponent <= EXACT_POWER;
}

static const uint64_t fives[WIDE_POWER + 1] = {UINT64_C(1),
                                               UINT64_C(5),
                                               UINT64_C(25),
                                               UINT64_C(125),
                                               UINT64_C(625),
                                               UINT64_C(3125),
                                               UINT64_C(15625),
                                               UINT64_C(78125),
                                               UINT64_C(390625),
                                               UINT64_C(1953125),
                                               UINT64_C(9765625),
                                               UINT64_C(48828125),
                                               UINT64_C(244140625),
                                               UINT64_C(1220703125),
                                               UINT64_C(6103515625),
                                               UINT64_C(30517578125),
                                               UINT64_C(152587890625),
                                               UINT64_C(762939453125),
                                               UINT64_C(3814697265625),
                                               UINT64_C(19073486328125),
                                               UINT64_C(95367431640625),
                                               UINT64_C(476837158203125),
                                               UINT64_C(2384185791015625),
                                               UINT64_C(11920928955078125),
                                               UINT64_C(59604644775390625),
                                               UINT64_C(298023223876953125),
                                               UINT64_C(1490116119384765625),
                                               UINT64_C(7450580596923828125)};

/* The mantissa times or by a power of five that fits into 64 bits, rounded once, from 128 bits.
 * Twos only move the point. */
static double read_wide(const struct decimal *number)
{
    __extension__ typedef unsigned __int128 wide;
    int power = (int)number->exponent;
    uint64_t factor = fives[power < 0 ? -power : power];
    if (power >= 0)
        return ldexp((double)((wide)number->mantissa * factor), power);
    /* The quotient has 64 bits at least: whether there is a remainder fits into its last one. */
    int shift = __builtin_clzll(number->mantissa);
    wide dividend = (wide)(number->mantissa << shift) << 64;
    wide quotient = dividend / factor;
    quotient |= quotient * factor != dividend;
    return ldexp((double)quotient, power - 64 - shift);
}

static bool is_wide(const struct decimal *number)
{
    return number->digits <= MANTISSA_DIGITS && number->mantissa > 0 &&
           number->exponent >= -WIDE_POWER && number->exponent <= WIDE_POWER;
}

/* Any number: its deciding digits as one integer with an exponent, for strtod, which rounds right.
 * In the C locale, as a script may have set another one. */
static double read_slowly(const char *at, const char *end, int64_t exponent)
{
    char text[DECIDING_DIGITS + 32];
    size_t len = 0;
    bool rest = false;
    for (; at < end && (*at | 0x20) != 'e'; at++) {
        if (*at == '.' || (len == 0 && *at == '0'))
            continue;
        if (len < DECIDING_DIGITS) {
            text[len++] = *at;
        } else {
            rest = rest || *at != '0';
            exponent++;
        }
    }
    if (len == 0)
        return 0;
    if (rest) {
        text[len++] = '1';
        exponent--;
    }
    snprintf(text + len, sizeof text - len, "e%lld", (long long)exponent);
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    return value;
}

enum aggr_json_number aggr_json_read_number(const char **at, const char *end, double *value)
{
    const char *first = *at + (**at == '-');
    struct decimal number = {0};
    const char *behind = read_decimal(first, end, &number);
    if (!behind || aggr_json_goes_on(*behind))
        return AGGR_JSON_NUMBER_MALFORMED;
    if (behind - first > AGGR_JSON_NUMBER_BYTES)
        return AGGR_JSON_NUMBER_LONG;
    if (number.exponent == 0 && number.digits <= MANTISSA_DIGITS)
        *value = (double)number.mantissa;
    else if (is_exact(&number))
        *value = number.exponent < 0 ? (double)number.mantissa / powers[-number.exponent]
                                     : (double)number.mantissa * powers[number.exponent];
    else if (is_wide(&number))
        *value = read_wide(&number);
    else
        *value = read_slowly(first, behind, number.exponent);
    if (isinf(*value))
        return AGGR_JSON_NUMBER_RANGE;
    if (first > *at)
        *value = -*value;
    *at = behind;
    return AGGR_JSON_NUMBER_DONE;
}

size_t aggr_json_big_integer(const char *at)
{
    static const char largest[] = "9007199254740992";
    enum { DIGITS = sizeof largest - 1 };
    const char *first = at + (*at == '-'), *behind = first;
    while (aggr_json_is_digit(*behind))
        behind++;
    size_t digits = (size_t)(behind - first);
    if (*behind == '.' || (*behind | 0x20) == 'e' || digits < DIGITS)
        return 0;
    if (digits == DIGITS && memcmp(first, largest, DIGITS) <= 0)
        return 0;
    return (size_t)(behind - at);
}
