/* Numbers of JSON texts against strtod, bit by bit. Each is in memory of just its size. */
#include "base/json_number.h"
#include "check.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static enum aggr_json_number read_text(const char *text, double *value, size_t *used)
{
    char *copy = strdup(text);
    const char *at = copy;
    enum aggr_json_number result = aggr_json_read_number(&at, copy + strlen(text), value);
    *used = strlen(text) - strlen(at);
    free(copy);
    return result;
}

static bool is_exact(const char *text)
{
    double value = -1, expected = strtod(text, NULL);
    size_t used;
    bool same = read_text(text, &value, &used) == AGGR_JSON_NUMBER_DONE && used == strlen(text) &&
                memcmp(&value, &expected, sizeof value) == 0;
    if (!same)
        fprintf(stderr, "%s became %.17g\n", text, value);
    return same;
}

static uint64_t chance(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void any_double(void)
{
    unsigned wrong = 0;
    for (int i = 0; i < 40000; i++) {
        uint64_t bits = chance();
        double value;
        char text[64];
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        snprintf(text, sizeof text, "%.*g", i % 2 ? 17 : 1 + i % 20, value);
        if (isfinite(strtod(text, NULL)))
            wrong += !is_exact(text);
    }
    CHECK(wrong == 0);
}

/* All numbers of digits before and behind the point, with and without an exponent. */
static void any_shape(void)
{
    unsigned wrong = 0;
    for (int whole = 1; whole <= 24; whole++)
        for (int fraction = 0; fraction <= 24; fraction++)
            for (int power = -30; power <= 30; power += 6) {
                char text[80];
                int len = 0;
                if (power % 4 == 0)
                    text[len++] = '-';
                for (int i = 0; i < whole; i++)
                    text[len++] =
                        (char)('0' + (i == 0 && whole > 1 ? 1 + chance() % 9 : chance() % 10));
                if (fraction > 0)
                    text[len++] = '.';
                for (int i = 0; i < fraction; i++)
                    text[len++] = (char)('0' + chance() % 10);
                text[len] = 0;
                if (power != 0)
                    snprintf(text + len, sizeof text - (size_t)len, "e%d", power);
                wrong += !is_exact(text);
            }
    CHECK(wrong == 0);
}

/* Whether m / 10^27 lies just above the middle between two doubles: by less than the bits of the
 * quotient's first word show. */
static bool is_hard(uint64_t mantissa)
{
    __extension__ typedef unsigned __int128 wide;
    wide quotient = ((wide)mantissa << 64) / UINT64_C(7450580596923828125);
    int extra = (quotient >> 64 ? 65 : 64) - 53;
    uint64_t below = (uint64_t)quotient & ((UINT64_C(1) << extra) - 1);
    return below == UINT64_C(1) << (extra - 1) && !((uint64_t)(quotient >> extra) & 1);
}

static void hard_quotients(void)
{
    unsigned wrong = 0, found = 0;
    while (found < 50) {
        char text[64];
        uint64_t mantissa = UINT64_C(9300000000000000000) + chance() % UINT64_C(600000000000000000);
        if (!is_hard(mantissa))
            continue;
        found++;
        snprintf(text, sizeof text, "%llue-27", (unsigned long long)mantissa);
        wrong += !is_exact(text);
    }
    CHECK(wrong == 0);
}

/* Next to the middle between two doubles, where rounding is hardest. */
static void halfway(void)
{
    unsigned wrong = 0;
    for (int i = 0; i < 800; i++) {
        uint64_t bits = chance() % (UINT64_C(2046) << 52);
        double low, high;
        memcpy(&low, &bits, sizeof low);
        bits++;
        memcpy(&high, &bits, sizeof high);
        char text[1200];
        snprintf(text, sizeof text, "%.1100Lg", ((long double)low + (long double)high) / 2);
        wrong += !is_exact(text);
        size_t len = strlen(text);
        if (!strchr(text, '.') || strchr(text, 'e'))
            continue;
        snprintf(text + len, sizeof text - len, "000000001");
        wrong += !is_exact(text);
    }
    CHECK(wrong == 0);
    CHECK(is_exact("9007199254740993"));
    CHECK(is_exact("9007199254740992.999999999999999999999999"));
    CHECK(is_exact("9007199254740993.000000000000000000000001"));
}

static void long_ones(void)
{
    enum { LEN = AGGR_JSON_NUMBER_BYTES };
    char *text = malloc(LEN + 2);
    double value;
    size_t used;
    memset(text, '0', LEN + 1);
    memcpy(text, "0.", 2);
    text[LEN - 1] = '7';
    text[LEN] = 0;
    CHECK(is_exact(text));
    memset(text, '9', LEN);
    text[1] = '.';
    CHECK(is_exact(text));
    text[LEN] = '9';
    text[LEN + 1] = 0;
    CHECK(read_text(text, &value, &used) == AGGR_JSON_NUMBER_LONG && used == 0);
    free(text);
}

static void others(void)
{
    static const char *const malformed[] = {"",    "-",    "+1",   ".5",  "1.",  "01",
                                            "-00", "1e",   "1e+",  "1.e", "0x1", "1a",
                                            "--1", "1.2.", "1e5.", "1_0"};
    double value;
    size_t used;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        CHECK(read_text(malformed[i], &value, &used) == AGGR_JSON_NUMBER_MALFORMED && used == 0);
    CHECK(read_text("1e309", &value, &used) == AGGR_JSON_NUMBER_RANGE && used == 0);
    CHECK(read_text("-2e308", &value, &used) == AGGR_JSON_NUMBER_RANGE);
    CHECK(read_text("12,", &value, &used) == AGGR_JSON_NUMBER_DONE && used == 2 && value == 12);
    CHECK(read_text("0]", &value, &used) == AGGR_JSON_NUMBER_DONE && used == 1 && value == 0);
    CHECK(read_text("123456789 ", &value, &used) == AGGR_JSON_NUMBER_DONE && used == 9);
    CHECK(is_exact("-0") && is_exact("-0.0e5") && is_exact("0e999") && is_exact("1e-9999"));
}

int main(void)
{
    any_double();
    any_shape();
    hard_quotients();
    halfway();
    long_ones();
    others();
    return check_report();
}
