#include "base/duration.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

static const struct unit SPANS[] = {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {0}};
static const struct unit SIZES[] = {{"", 1},         {"B", 1},        {"KiB", 0x1p10},
                                    {"MiB", 0x1p20}, {"GiB", 0x1p30}, {0}};

enum { DIGITS_MAX = 32, QUOTE_MAX = 48 };

/* Copies the leading "12" or "12.5" of `text` to `digits`; its length, 0 when there is none. */
static size_t scan_number(char digits[DIGITS_MAX], const char *text, size_t len)
{
    size_t n = 0;
    bool dot = false;
    while (n < len && (isdigit((unsigned char)text[n]) || (text[n] == '.' && !dot && n > 0))) {
        dot |= text[n] == '.';
        if (++n == DIGITS_MAX)
            return 0;
    }
    if (n == 0 || text[n - 1] == '.')
        return 0;
    memcpy(digits, text, n);
    digits[n] = '\0';
    return n;
}

/* The number in decimal, exactly enough for what people write, whatever the locale's decimal point.
 */
static double value_of(const char *digits)
{
    double value = 0, divisor = 1;
    bool fraction = false;
    for (; *digits; digits++) {
        if (*digits == '.') {
            fraction = true;
            continue;
        }
        value = value * 10 + (*digits - '0');
        divisor *= fraction ? 10 : 1;
    }
    return value / divisor;
}

static bool parse(double *value, const struct unit *units, const char *text, size_t len)
{
    char digits[DIGITS_MAX];
    size_t n = scan_number(digits, text, len);
    if (n == 0)
        return false;
    for (; units->name; units++) {
        if (strlen(units->name) == len - n && memcmp(units->name, text + n, len - n) == 0) {
            *value = value_of(digits) * units->factor;
            return true;
        }
    }
    return false;
}

static enum aggr_err refuse(struct aggr_failure *why, const char *wanted, const char *text,
                            size_t len)
{
    if (len > QUOTE_MAX)
        aggr_failure_set(why, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE, "%s, got '%.*s...'", wanted,
                         QUOTE_MAX, text);
    else
        aggr_failure_set(why, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE, "%s, got '%.*s'", wanted, (int)len,
                         text);
    return AGGR_ERR_USAGE;
}

enum aggr_err aggr_duration_parse(double *seconds, const char *text, size_t len,
                                  struct aggr_failure *why)
{
    if (parse(seconds, SPANS, text, len))
        return AGGR_OK;
    return refuse(why, "must be a duration such as 2, '200ms', '2s', '5m' or '1h'", text, len);
}

enum aggr_err aggr_size_parse(uint64_t *bytes, const char *text, size_t len,
                              struct aggr_failure *why)
{
    double value;
    if (!parse(&value, SIZES, text, len))
        return refuse(why, "must be a size such as 65536, '64KiB' or '10MiB'", text, len);
    if (value > 0x1p53 || value != (double)(uint64_t)value)
        return refuse(why, "must be a whole number of bytes, at most 2^53", text, len);
    *bytes = (uint64_t)value;
    return AGGR_OK;
}
