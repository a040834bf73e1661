#include "base/json_format.h"
#include "base/json_number.h"
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* 0.d1d2d3... x 10^point, or d1.d2d3... x 10^(point - 1). */
struct decimal {
    uint64_t digits; /* without zeros at the end */
    int count, point;
};

enum {
    MANTISSA_BITS = DBL_MANT_DIG - 1,
    EXPONENT_BIAS = 1075, /* a double is mantissa x 2^(exponent bits - this) */
    SURE_DIGITS = 15,     /* no two decimals of so many digits are the same double */
    ENOUGH_DIGITS = 17,   /* so many tell every double from all others */
    LEAST_POWER = -7      /* of ten, down to which no printf is needed */
};

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const double small_powers[] = {1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7};

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

static int count_digits(uint64_t number)
{
    int count = 1;
    for (; number >= 10000; number /= 10000)
        count += 4;
    return count + (number >= 10) + (number >= 100) + (number >= 1000);
}

/* So many digits of `number`, its last ones. */
static void put_digits(char *out, uint64_t number, int count)
{
    for (; count >= 2; count -= 2, number /= 100)
        memcpy(out + count - 2, pairs + number % 100 * 2, 2);
    if (count > 0)
        *out = (char)('0' + number % 10);
}

static char *put_integer(char *out, uint64_t number)
{
    int count = count_digits(number);
    put_digits(out, number, count);
    return out + count;
}

/* `digits` x 10^-scale. */
static struct decimal decimal_of(uint64_t digits, int scale)
{
    while (digits % 10000 == 0) {
        digits /= 10000;
        scale -= 4;
    }
    while (digits % 10 == 0) {
        digits /= 10;
        scale--;
    }
    int count = count_digits(digits);
    return (struct decimal){.digits = digits, .count = count, .point = count - scale};
}

/* The power of ten of the first digit, between LEAST_POWER and SURE_DIGITS. */
static int power_of_ten(double value)
{
    int power = 0;
    if (value < 1) {
        while (value < small_powers[-power])
            power--;
        return power;
    }
    while (value >= powers[power + 1])
        power++;
    return power;
}

/* 15 digits, if they read back as `value`: the quotient of two integers that are doubles is rounded
 * once, as reading is. */
static bool find_short(double value, int power, struct decimal *found)
{
    int scale = SURE_DIGITS - 1 - power;
    double digits = scale < 0 ? value : nearbyint(value * powers[scale]);
    if (scale < 0 || digits / powers[scale] != value)
        return false;
    *found = decimal_of((uint64_t)digits, scale);
    return true;
}

/* 16 digits, or else 17: exact, as the value and the borders of what reads back as it, times 4 x
 * 10^scale, are integers of less than 128 bits once the twos are left out. */
static struct decimal find_long(double value, int power)
{
    uint64_t bits, five = 1;
    memcpy(&bits, &value, sizeof bits);
    uint64_t mantissa = (bits & ((UINT64_C(1) << MANTISSA_BITS) - 1)) | UINT64_C(1)
                                                                            << MANTISSA_BITS;
    int exponent = (int)(bits >> MANTISSA_BITS) - EXPONENT_BIAS;
    int scale = ENOUGH_DIGITS - 1 - power, shift = 2 - scale - exponent;
    for (int i = 0; i < scale; i++)
        five *= 5;
    bool even = mantissa % 2 == 0, narrow = mantissa == UINT64_C(1) << MANTISSA_BITS;
    wide exact = (wide)(4 * mantissa) * five;
    wide low = exact - (wide)(narrow ? 1 : 2) * five, high = exact + (wide)2 * five;
    uint64_t below = (uint64_t)(exact >> shift), tens = below / 10 * 10;
    wide down = (wide)tens << shift, up = (wide)(tens + 10) << shift;
    bool down_fits = even ? down >= low : down > low, up_fits = even ? up <= high : up < high;
    bool down_is_even = tens / 10 % 2 == 0;
    if (down_fits && (!up_fits || exact - down < up - exact + down_is_even))
        return decimal_of(tens, scale);
    if (up_fits)
        return decimal_of(tens + 10, scale);
    wide half = (wide)1 << (shift - 1), rest = exact - ((wide)below << shift);
    bool round_up = rest > half || (rest == half && below % 2 == 1);
    return decimal_of(below + round_up, scale);
}

static bool reads_back(uint64_t digits, int power, double value)
{
    char text[40];
    double read;
    const char *at = text;
    int len = snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, power);
    return aggr_json_read_number(&at, text + len, &read) == AGGR_JSON_NUMBER_DONE && read == value;
}

/* Its first digits, as an integer; *power: of ten, to multiply that with. A script may have set a
 * locale with another point. */
static uint64_t first_digits(double value, int count, int *power)
{
    char text[40];
    uint64_t digits = 0;
    const char *at = text;
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            digits = digits * 10 + (uint64_t)(*at - '0');
    *power = atoi(at + 1) - count + 1;
    return digits;
}

/* Any number. The next decimal is tried as well: below a power of two a double's reach is smaller
 * than above it, so the nearest decimal may be out of reach where that one is not. */
static struct decimal find_by_trial(double value)
{
    for (int count = value < DBL_MIN ? 1 : SURE_DIGITS;; count++) {
        int power;
        uint64_t digits = first_digits(value, count, &power);
        if (count == ENOUGH_DIGITS || reads_back(digits, power, value))
            return decimal_of(digits, -power);
        if (reads_back(digits + 1, power, value))
            return decimal_of(digits + 1, -power);
    }
}

static char *put_exponent(char *out, const struct decimal *number)
{
    int power = number->point - 1;
    put_digits(out + 1, number->digits, number->count);
    *out = out[1];
    if (number->count > 1) {
        out[1] = '.';
        out += number->count;
    }
    out[1] = 'e';
    out[2] = power < 0 ? '-' : '+';
    return put_integer(out + 3, (uint64_t)(power < 0 ? -power : power));
}

static char *put_decimal(char *out, const struct decimal *number)
{
    int point = number->point, count = number->count;
    if (point <= LEAST_POWER + 1 || point >= count)
        return put_exponent(out, number);
    if (point <= 0) {
        memset(out, '0', (size_t)(2 - point));
        out[1] = '.';
        put_digits(out + 2 - point, number->digits, count);
        return out + 2 - point + count;
    }
    put_digits(out + 1, number->digits, count);
    memmove(out, out + 1, (size_t)point);
    out[point] = '.';
    return out + count + 1;
}

char *aggr_json_format(char *out, double value)
{
    if (signbit(value)) {
        *out++ = '-';
        value = -value;
    }
    if (value <= AGGR_JSON_EXACT_INTEGERS && value == (double)(int64_t)value)
        return put_integer(out, (uint64_t)value);
    struct decimal number;
    if (value < small_powers[-LEAST_POWER] || value > AGGR_JSON_EXACT_INTEGERS) {
        number = find_by_trial(value);
    } else {
        int power = power_of_ten(value);
        if (!find_short(value, power, &number))
            number = find_long(value, power);
    }
    return put_decimal(out, &number);
}
