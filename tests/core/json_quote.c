#include "base/json_quote.h"
#include "check.h"
#include <stdlib.h>
#include <string.h>

/* What becomes of a copy of the text that has nothing behind its NUL; NULL: it is not UTF-8. */
static char *quoted(const char *text, size_t len, bool replace)
{
    static char out[1000];
    char *copy = malloc(len + 1), *end = out;
    memcpy(copy, text, len);
    copy[len] = 0;
    const char *at = copy;
    bool good = aggr_json_quote(&at, copy + len, replace, &end);
    CHECK(end <= out + AGGR_JSON_QUOTE_ROOM(len));
    CHECK(!good || at >= copy + len);
    free(copy);
    *end = 0;
    return good ? out : NULL;
}

static void check_text(const char *text, size_t len, const char *expected)
{
    CHECK(strcmp(quoted(text, len, true), expected) == 0);
}

int main(void)
{
    check_text("", 0, "");
    check_text("plain text of any length", 24, "plain text of any length");
    check_text("\"\\/\b\f\n\r\t\x01\x1f\x7f", 11, "\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f");
    check_text("a\0b", 3, "a\\u0000b");
    check_text("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    check_text("\xff", 1, "\xef\xbf\xbd");
    check_text("x\xe2\x82", 3, "x\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(!quoted("\xff", 1, false) && !quoted("abcdefghi\xc3", 10, false));
    CHECK(!quoted("\xed\xa0\x80", 3, false) && !quoted("\xc0\xaf", 2, false));
    for (size_t len = 0; len < 40; len++) {
        char text[41];
        memset(text, 'x', sizeof text);
        for (size_t at = 0; at < len; at++) {
            text[at] = '\n';
            CHECK(strlen(quoted(text, len, false)) == len + 1);
            text[at] = '\xff';
            CHECK(!quoted(text, len, false));
            text[at] = 'x';
        }
    }
    return check_report();
}
