#include "io/field.h"
#include <string.h>

/* The lower-case form of each token character, 0 for what cannot be in a token. */
#define UPPER(c) [c] = (c) + 32 /* NOLINT(bugprone-macro-parentheses): a designator */
static const char TOKEN[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*',
    ['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`',   ['|'] = '|',
    ['~'] = '~', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',   ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', UPPER('A'),  UPPER('B'),    UPPER('C'),
    UPPER('D'),  UPPER('E'),  UPPER('F'),  UPPER('G'),  UPPER('H'),  UPPER('I'),    UPPER('J'),
    UPPER('K'),  UPPER('L'),  UPPER('M'),  UPPER('N'),  UPPER('O'),  UPPER('P'),    UPPER('Q'),
    UPPER('R'),  UPPER('S'),  UPPER('T'),  UPPER('U'),  UPPER('V'),  UPPER('W'),    UPPER('X'),
    UPPER('Y'),  UPPER('Z'),  ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',   ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',   ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',   ['s'] = 's',
    ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',   ['z'] = 'z',
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **bytes, size_t *len)
{
    while (*len > 0 && is_blank(**bytes))
        ++*bytes, --*len;
    while (*len > 0 && is_blank((*bytes)[*len - 1]))
        --*len;
}

bool aggr_field_line(const char *bytes, size_t len, size_t *line_len)
{
    const char *end = memchr(bytes, '\n', len);
    if (!end || end == bytes || end[-1] != '\r')
        return false;
    *line_len = (size_t)(end - bytes) - 1;
    return true;
}

bool aggr_field_text(const char *bytes, size_t len)
{
    bool sound = true;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        sound &= (c >= ' ' && c != 0x7f) || c == '\t';
    }
    return sound;
}

bool aggr_field_token(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!TOKEN[(unsigned char)bytes[i]])
            return false;
    return len > 0;
}

bool aggr_field_is(const char *bytes, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++)
        if (!word[i] || TOKEN[(unsigned char)bytes[i]] != word[i])
            return false;
    return word[len] == 0;
}

void aggr_field_lower(char *out, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = TOKEN[(unsigned char)name[i]];
}

/* What is wrong with a line whose name ends early at `at`. */
static const char *name_fault(const char *line, size_t len, size_t at)
{
    if (at == len)
        return "no colon";
    if (is_blank(line[at]))
        return at == 0 ? "a folded line" : "a blank before the colon";
    if (at == 0 && line[at] == ':')
        return "an empty name";
    return "a character that cannot be in a name";
}

const char *aggr_field_parse(const char *line, size_t len, struct aggr_field *field)
{
    size_t at = 0;
    while (at < len && TOKEN[(unsigned char)line[at]])
        at++;
    if (at == 0 || at == len || line[at] != ':')
        return name_fault(line, len, at);
    field->name = line;
    field->name_len = at;
    field->value = line + at + 1;
    field->value_len = len - at - 1;
    if (!aggr_field_text(field->value, field->value_len))
        return "a control character in the value";
    trim(&field->value, &field->value_len);
    return NULL;
}

bool aggr_field_length(const char *bytes, size_t len, uint64_t *length)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] < '0' || bytes[i] > '9')
            return false;
        unsigned digit = (unsigned)(bytes[i] - '0');
        if (sum > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *length = sum;
    return len > 0;
}

bool aggr_field_element(const char **bytes, const char *end, const char **element, size_t *len)
{
    while (*bytes < end) {
        const char *comma = memchr(*bytes, ',', (size_t)(end - *bytes));
        const char *stop = comma ? comma : end;
        *element = *bytes;
        *len = (size_t)(stop - *bytes);
        *bytes = comma ? comma + 1 : end;
        trim(element, len);
        if (*len > 0)
            return true;
    }
    return false;
}

const char *aggr_field_quote(char out[AGGR_FIELD_QUOTE], const char *bytes, size_t len)
{
    size_t n = len < AGGR_FIELD_QUOTE - 1 ? len : AGGR_FIELD_QUOTE - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
    out[n] = 0;
    return out;
}
