/* Strings of JSON texts: where they end, what they stand for, in pieces of any size. Each text is
 * in memory of just its size, so that the sanitizers see a look beyond it. */
#include "base/json_text.h"
#include "check.h"
#include <stdlib.h>

static char *copy_of(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    memcpy(copy, bytes, len);
    copy[len] = 0;
    return copy;
}

/* Unescapes in pieces of `step` bytes into `out`, with just the room that is asked for; *stopped is
 * where it ended. */
static enum aggr_json_scan unescape(const char *bytes, size_t len, size_t step, size_t *stopped,
                                    char *out, size_t *out_len)
{
    char *text = copy_of(bytes, len);
    const char *at = text, *end = text + len;
    enum aggr_json_scan found;
    *out_len = 0;
    do {
        const char *stop = (size_t)(end - at) > step ? at + step : end;
        char *piece = malloc((size_t)(stop - at) + AGGR_JSON_UNESCAPE_EXTRA), *to = piece;
        found = aggr_json_unescape(&at, stop, end, &to);
        memcpy(out + *out_len, piece, (size_t)(to - piece));
        *out_len += (size_t)(to - piece);
        free(piece);
    } while (found == AGGR_JSON_SCAN_MORE);
    *stopped = (size_t)(at - text);
    free(text);
    return found;
}

/* Scans in pieces of `step` bytes; unescaping must find the same, unless there is an escape. */
static enum aggr_json_scan scan(const char *bytes, size_t len, size_t step, size_t *stopped)
{
    char *text = copy_of(bytes, len), out[128];
    const char *at = text, *end = text + len;
    enum aggr_json_scan found;
    do {
        const char *stop = (size_t)(end - at) > step ? at + step : end;
        found = aggr_json_scan_string(&at, stop, end);
    } while (found == AGGR_JSON_SCAN_MORE);
    *stopped = (size_t)(at - text);
    size_t unescaped, out_len;
    enum aggr_json_scan again = unescape(bytes, len, step, &unescaped, out, &out_len);
    if (found != AGGR_JSON_SCAN_ESCAPED &&
        (again != found || unescaped != *stopped || memcmp(out, text, out_len) != 0))
        CHECK(!"unescaping found something else");
    free(text);
    return found == AGGR_JSON_SCAN_ESCAPED ? again : found;
}

static bool is_string(const char *bytes, size_t len)
{
    char text[64];
    size_t stopped;
    memcpy(text, bytes, len);
    text[len] = '"';
    return scan(text, len + 1, SIZE_MAX, &stopped) == AGGR_JSON_SCAN_DONE && stopped == len;
}

/* The code point of the sequence, by decoding it and asking for the shortest form; -1: none. */
static long decoded(const unsigned char *at, size_t len)
{
    static const long least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t want = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc0 ? 2 : 0;
    if (want != len || at[0] >= 0xf8)
        return -1;
    long code = at[0] & (0x7f >> len);
    for (size_t i = 1; i < len; i++) {
        if (at[i] >> 6 != 2)
            return -1;
        code = code << 6 | (at[i] & 0x3f);
    }
    return code < least[len] || code > 0x10ffff || code >> 11 == 0x1b ? -1 : code;
}

static void utf8(void)
{
    unsigned wrong = 0;
    unsigned char bytes[4];
    for (unsigned first = 0x80; first < 0x100; first++)
        for (unsigned rest = 0; rest < 1 << 16; rest++) {
            bytes[0] = (unsigned char)first, bytes[1] = (unsigned char)(rest >> 8);
            bytes[2] = (unsigned char)rest, bytes[3] = 0xbf;
            if (bytes[1] < 0x70 || (rest & 0x3f) % 21 != 0)
                continue;
            for (size_t len = 2; len <= 4; len++)
                if (bytes[len - 1] >= 0x80)
                    wrong += is_string((char *)bytes, len) != (decoded(bytes, len) >= 0) &&
                             !(len == 4 && decoded(bytes, 2) >= 0 && decoded(bytes + 2, 2) >= 0);
        }
    CHECK(wrong == 0);
    CHECK(!is_string("\x80", 1) && !is_string("\xff", 1) && !is_string("\xc3", 1));
}

/* A special byte at each place of texts of each length is found where it is. */
static void places(void)
{
    static const struct {
        char byte;
        enum aggr_json_scan found;
    } specials[] = {{'"', AGGR_JSON_SCAN_DONE},    {'\\', AGGR_JSON_SCAN_ESCAPE},
                    {0, AGGR_JSON_SCAN_CONTROL},   {'\x1f', AGGR_JSON_SCAN_CONTROL},
                    {'\x80', AGGR_JSON_SCAN_UTF8}, {'\xff', AGGR_JSON_SCAN_UTF8}};
    static const char fillers[] = " !#[]~\x7f^";
    char text[40];
    size_t stopped;
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
        for (size_t len = 1; len < sizeof text; len++)
            for (size_t place = 0; place < len; place++) {
                memset(text, fillers[(len + place) % 8], len);
                text[place] = specials[i].byte;
                size_t step = 1 + (len * 7 + place) % 20;
                CHECK(scan(text, len, step, &stopped) == specials[i].found && stopped == place);
            }
    CHECK(scan("abc", 3, 2, &stopped) == AGGR_JSON_SCAN_UNENDED && stopped == 3);
    CHECK(scan("", 0, 2, &stopped) == AGGR_JSON_SCAN_UNENDED && stopped == 0);
}

static void check_unescape(const char *text, const char *expected, size_t expected_len)
{
    char quoted[128], out[128];
    size_t stopped, out_len, len = strlen(text);
    memcpy(quoted, text, len);
    quoted[len] = '"';
    for (size_t step = 1; step <= len + 2; step++) {
        enum aggr_json_scan found = unescape(quoted, len + 1, step, &stopped, out, &out_len);
        CHECK(found == AGGR_JSON_SCAN_DONE && stopped == len && out_len == expected_len &&
              memcmp(out, expected, out_len) == 0);
    }
}

static void escapes(void)
{
    check_unescape("", "", 0);
    check_unescape("plain text", "plain text", 10);
    check_unescape("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
    check_unescape("a\\u0000b", "a\0b", 3);
    check_unescape("\\u007F\\u0080\\u07ff\\u0800\\uFFFF",
                   "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11);
    check_unescape("\\ud800\\udc00\\uDBFF\\uDFFFx", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbfx", 9);
    check_unescape("\\\\u0041 \\n\\n", "\\u0041 \n\n", 9);
}

static void place_is(const char *text, size_t offset, size_t line, size_t column)
{
    size_t got_line, got_column;
    aggr_json_place(text, text + offset, &got_line, &got_column);
    CHECK(got_line == line && got_column == column);
}

static void lines(void)
{
    place_is("", 0, 1, 1);
    place_is("abc", 2, 1, 3);
    place_is("a\nb", 1, 1, 2);
    place_is("a\nb", 2, 2, 1);
    place_is("\n\n\n", 3, 4, 1);
    place_is("\xc3\xa9\xe2\x82\xac!", 5, 1, 3);
    place_is("x\r\n\xf0\x9f\x98\x80y", 7, 2, 2);
}

int main(void)
{
    utf8();
    places();
    escapes();
    lines();
    return check_report();
}
