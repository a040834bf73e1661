#include "base/json_text.h"
#include "base/json_word.h"
#include <string.h>

static bool continues(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t aggr_json_sequence(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] < 0xc2 || at[0] > 0xf4 || !continues(at[1]))
        return 0;
    if (at[0] < 0xe0)
        return 2;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f) || !continues(at[2]))
        return 0;
    if (at[0] < 0xf0)
        return 3;
    return continues(at[3]) ? 4 : 0;
}

static unsigned hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    unsigned letter = (unsigned char)digit | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 16;
}

/* The code unit of the escape \uXXXX at `at`; over 0xffff: it is none. */
static unsigned code_unit(const char *at)
{
    enum { NONE = 0x10000 };
    unsigned unit = 0;
    if (at[0] != '\\' || at[1] != 'u')
        return NONE;
    for (int i = 2; i < 6; i++) {
        unsigned digit = hex_digit(at[i]);
        if (digit > 15)
            return NONE;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_high(unsigned unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(unsigned unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* What a letter behind a backslash stands for; 0: nothing, or a 'u'. */
static const char letters[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                  ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

/* Passes characters that are not ASCII. */
static enum aggr_json_scan scan_foreign(const char **at, const char *stop)
{
    while (*at < stop && (unsigned char)**at >= 0x80) {
        size_t len = aggr_json_sequence(*at);
        if (len == 0)
            return AGGR_JSON_SCAN_UTF8;
        *at += len;
    }
    return AGGR_JSON_SCAN_MORE;
}

enum aggr_json_scan aggr_json_scan_string(const char **at, const char *stop, const char *end)
{
    for (;;) {
        *at = aggr_json_plain_end(*at, stop);
        if (*at >= stop)
            return *at < end ? AGGR_JSON_SCAN_MORE : AGGR_JSON_SCAN_UNENDED;
        if (**at == '"')
            return AGGR_JSON_SCAN_DONE;
        if (**at == '\\')
            return AGGR_JSON_SCAN_ESCAPED;
        if ((unsigned char)**at < 0x80)
            return AGGR_JSON_SCAN_CONTROL;
        if (scan_foreign(at, stop) != AGGR_JSON_SCAN_MORE)
            return AGGR_JSON_SCAN_UTF8;
    }
}

static char *put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (char)(0xe0 | code >> 12);
        } else {
            *out++ = (char)(0xf0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (code & 0x3f));
    return out;
}

/* Passes the escape at *at; *code is what it stands for. */
static enum aggr_json_scan read_escape(const char **at, unsigned *code)
{
    char letter = letters[(unsigned char)(*at)[1]];
    if (letter) {
        *code = (unsigned char)letter;
        *at += 2;
        return AGGR_JSON_SCAN_MORE;
    }
    unsigned unit = code_unit(*at);
    if (unit > 0xffff)
        return AGGR_JSON_SCAN_ESCAPE;
    *code = unit;
    if (is_high(unit)) {
        unsigned low = code_unit(*at + 6);
        if (!is_low(low))
            return AGGR_JSON_SCAN_SURROGATE;
        *code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    } else if (is_low(unit)) {
        return AGGR_JSON_SCAN_SURROGATE;
    }
    *at += is_high(unit) ? 12 : 6;
    return AGGR_JSON_SCAN_MORE;
}

/* The same, writing it. */
static enum aggr_json_scan put_escape(const char **at, char **out)
{
    unsigned code;
    enum aggr_json_scan found = read_escape(at, &code);
    if (found == AGGR_JSON_SCAN_MORE)
        *out = put_utf8(*out, code);
    return found;
}

enum aggr_json_scan aggr_json_pass_string(const char **at, const char *stop, const char *end)
{
    for (;;) {
        unsigned code;
        enum aggr_json_scan found = aggr_json_scan_string(at, stop, end);
        if (found == AGGR_JSON_SCAN_ESCAPED)
            found = read_escape(at, &code);
        if (found != AGGR_JSON_SCAN_MORE || *at >= stop)
            return found;
    }
}

static enum aggr_json_scan put_foreign(const char **at, const char *stop, char **out)
{
    const char *from = *at;
    enum aggr_json_scan found = scan_foreign(at, stop);
    memcpy(*out, from, (size_t)(*at - from));
    *out += *at - from;
    return found;
}

enum aggr_json_scan aggr_json_unescape(const char **at, const char *stop, const char *end,
                                       char **out)
{
    enum aggr_json_scan found = AGGR_JSON_SCAN_MORE;
    while (found == AGGR_JSON_SCAN_MORE) {
        aggr_json_copy_plain(at, stop, out);
        if (*at >= stop)
            return *at < end ? AGGR_JSON_SCAN_MORE : AGGR_JSON_SCAN_UNENDED;
        if (**at == '"')
            return AGGR_JSON_SCAN_DONE;
        if (**at == '\\')
            found = put_escape(at, out);
        else
            found =
                (unsigned char)**at < 0x80 ? AGGR_JSON_SCAN_CONTROL : put_foreign(at, stop, out);
    }
    return found;
}

void aggr_json_place(const char *text, const char *at, size_t *line, size_t *column)
{
    const char *newline;
    *line = *column = 1;
    while ((newline = memchr(text, '\n', (size_t)(at - text)))) {
        text = newline + 1;
        ++*line;
    }
    for (; text < at; text++)
        *column += !continues((unsigned char)*text);
}
