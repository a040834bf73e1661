#include "base/json_format.h"
#include "check.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check_text(double value, const char *expected)
{
    char text[AGGR_JSON_FORMAT_BYTES + 1];
    *aggr_json_format(text, value) = 0;
    if (strcmp(text, expected) != 0)
        fprintf(stderr, "%s instead of %s\n", text, expected);
    CHECK(strcmp(text, expected) == 0);
}

static void check_texts(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-12, "-12"},
        {9007199254740992, "9007199254740992"},
        {9007199254740994, "9.007199254740994e+15"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {123456.789, "123456.789"},
        {0.000001, "0.000001"},
        {1e-7, "1e-7"},
        {1.5e-7, "1.5e-7"},
        {1e20, "1e+20"},
        {1.5e300, "1.5e+300"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1125899906842624.25, "1125899906842624.2"},      /* a tie, to the even digit */
        {5.684341886080802e-14, "5.684341886080802e-14"}, /* below a power of two */
        {9007199254740990.5, "9007199254740990"},
        {4503599627370495.5, "4503599627370495.5"},
        {0x1p-24, "5.960464477539063e-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_text(cases[i].value, cases[i].text);
}

static uint64_t random_bits(void)
{
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Reads back, and a digit less would not. */
static void check_double(double value)
{
    char text[AGGR_JSON_FORMAT_BYTES + 1], shorter[40];
    *aggr_json_format(text, value) = 0;
    double read = strtod(text, NULL);
    CHECK(read == value && signbit(read) == signbit(value));
    int digits = 0, zeros = 0;
    for (const char *at = text; *at && *at != 'e'; at++)
        if (*at >= '0' && *at <= '9' && (digits > 0 || *at != '0')) {
            digits++;
            zeros = *at == '0' ? zeros + 1 : 0;
        }
    digits -= zeros;
    if (digits < 2)
        return;
    snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
    CHECK(strtod(shorter, NULL) != value);
}

int main(void)
{
    enum { DOUBLES = 50000 };
    check_texts();
    for (int i = 0; i < DOUBLES; i++) {
        uint64_t bits = random_bits();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            check_double(value);
        check_double((double)(bits >> 11) / 9007199254740992);
        check_double((double)(bits % 1000000007) / 1000);
    }
    for (int power = -1074; power < 1024; power++) {
        check_double(ldexp(1, power));
        check_double(nextafter(ldexp(1, power), 0) + 0.0);
    }
    return check_report();
}
