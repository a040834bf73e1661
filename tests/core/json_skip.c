/* Checking JSON texts: verdicts and places in slices of any size, with more text behind them and
 * with few levels. Each text is in memory of just its size, so that the sanitizers see a look
 * beyond it. */
#include "base/json_skip.h"
#include "check.h"
#include <stdlib.h>

enum { DEEPEST = 8 };

struct outcome {
    enum aggr_json_skipped verdict;
    enum aggr_json_wrong wrong;
    size_t at;
};

static char *copy_of(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    memcpy(copy, bytes, len);
    copy[len] = 0;
    return copy;
}

/* Slices of `step` bytes, and levels that are made when they are asked for. */
static enum aggr_json_skipped run(struct aggr_json_skip *skip, size_t step)
{
    for (;;) {
        size_t left = (size_t)(skip->end - skip->at);
        skip->stop = step < left ? skip->at + step : skip->end;
        enum aggr_json_skipped verdict = aggr_json_skip_run(skip);
        if (verdict == AGGR_JSON_SKIP_ROOM) {
            skip->room++;
            skip->levels = realloc(skip->levels, (size_t)skip->room * sizeof *skip->levels);
        } else if (verdict != AGGR_JSON_SKIP_SLICE) {
            return verdict;
        }
    }
}

static struct outcome check(const char *bytes, size_t len, size_t step)
{
    char *text = copy_of(bytes, len);
    struct aggr_json_skip skip;
    aggr_json_skip_start(&skip, text, len);
    skip.deepest = DEEPEST;
    struct outcome outcome = {.verdict = run(&skip, step)};
    outcome.wrong = skip.wrong;
    outcome.at = (size_t)(skip.at - text);
    free(skip.levels);
    free(text);
    return outcome;
}

static void is_right(const char *text)
{
    size_t len = strlen(text);
    for (size_t step = 1; step <= len + 1; step++)
        CHECK(check(text, len, step).verdict == AGGR_JSON_SKIP_DONE);
}

static void is_wrong(const char *text, size_t at, enum aggr_json_wrong wrong)
{
    size_t len = strlen(text);
    for (size_t step = 1; step <= len + 1; step++) {
        struct outcome outcome = check(text, len, step);
        CHECK(outcome.verdict == AGGR_JSON_SKIP_WRONG && outcome.at == at &&
              outcome.wrong == wrong);
    }
}

static void verdicts(void)
{
    is_right("0");
    is_right(" [1 , -2.5e+3,\"a\\u00e9\\ud83d\\ude00\\n\", true,false , null]\t\r\n");
    is_right("{\"a\":{\"b\":[[],{}]} , \"\":0,\"a\" : 1e300}");
    is_right("[[[[[[[[]]]]]]]]");
    is_right("[1.7976931348623157e308,1e-99999,0e99999]");
    is_wrong("", 0, AGGR_JSON_WRONG_VALUE);
    is_wrong("[1,]", 3, AGGR_JSON_WRONG_VALUE);
    is_wrong("[1", 2, AGGR_JSON_WRONG_IN_ARRAY);
    is_wrong("{\"a\":1]", 6, AGGR_JSON_WRONG_IN_OBJECT);
    is_wrong("{\"a\" 1}", 5, AGGR_JSON_WRONG_COLON);
    is_wrong("{1:2}", 1, AGGR_JSON_WRONG_KEY);
    is_wrong("{\"a\":1,}", 7, AGGR_JSON_WRONG_KEY);
    is_wrong("1 2", 2, AGGR_JSON_WRONG_REST);
    is_wrong("truefalse", 4, AGGR_JSON_WRONG_REST);
    is_wrong("[[[[[[[[[]]]]]]]]]", 8, AGGR_JSON_WRONG_DEPTH);
    is_wrong("[\"abc", 5, AGGR_JSON_WRONG_QUOTE);
    is_wrong("[\"a\tb\"]", 3, AGGR_JSON_WRONG_CONTROL);
    is_wrong("[\"\xc3\xa9\xc3(\"]", 4, AGGR_JSON_WRONG_UTF8);
    is_wrong("[\"\\ud800x\"]", 2, AGGR_JSON_WRONG_SURROGATE);
    is_wrong("[\"\\n\\x\"]", 4, AGGR_JSON_WRONG_ESCAPE);
    is_wrong("[1e309]", 1, AGGR_JSON_WRONG_RANGE);
    is_wrong("[01]", 1, AGGR_JSON_WRONG_NUMBER);
    is_wrong("[1.]", 1, AGGR_JSON_WRONG_NUMBER);
    is_wrong("[1x]", 1, AGGR_JSON_WRONG_NUMBER);
    is_wrong("[nul]", 1, AGGR_JSON_WRONG_VALUE);
}

/* What ends a run of white space, a string or digits is found at each distance. */
static void distances(void)
{
    char text[80];
    for (size_t len = 0; len < 70; len++) {
        memset(text, " \n\r\t"[len % 4], len);
        memcpy(text + len, "1", 2);
        CHECK(check(text, len + 1, SIZE_MAX).verdict == AGGR_JSON_SKIP_DONE);
        text[len] = 'x';
        CHECK(check(text, len + 1, SIZE_MAX).at == len);
        text[0] = '"';
        memset(text + 1, 'x', len);
        text[len + 1] = '"';
        CHECK(check(text, len + 2, SIZE_MAX).verdict == AGGR_JSON_SKIP_DONE);
        CHECK(check(text, len + 1, SIZE_MAX).at == len + 1);
        memset(text, '7', len + 1);
        CHECK(check(text, len + 1, SIZE_MAX).verdict == AGGR_JSON_SKIP_DONE);
        text[len + 1] = 'x';
        CHECK(check(text, len + 2, SIZE_MAX).wrong == AGGR_JSON_WRONG_NUMBER);
    }
}

/* The texts of the values in a stream that comes byte by byte, joined with '|'; each piece is in
 * memory of its own. */
static enum aggr_json_skipped split(const char *bytes, char *out)
{
    struct aggr_json_skip skip;
    char *text = copy_of("", 0);
    aggr_json_skip_start(&skip, text, 0);
    skip.many = true;
    skip.final = false;
    skip.deepest = DEEPEST;
    enum aggr_json_skipped verdict;
    while ((verdict = run(&skip, 3)) == AGGR_JSON_SKIP_DONE || verdict == AGGR_JSON_SKIP_MORE) {
        size_t len = (size_t)(skip.end - skip.start);
        if (verdict == AGGR_JSON_SKIP_DONE) {
            out += sprintf(out, "%.*s|", (int)(skip.at - skip.start), skip.start);
            aggr_json_skip_next(&skip);
        } else if (*bytes) {
            char *longer = malloc(len + 2);
            memcpy(longer, skip.start, len);
            memcpy(longer + len, (char[]){*bytes++, 0}, 2);
            aggr_json_skip_move(&skip, longer, len + 1);
            free(text);
            text = longer;
        } else {
            skip.final = true;
        }
    }
    free(skip.levels);
    free(text);
    return verdict;
}

static void many(void)
{
    char out[200] = "";
    CHECK(split("1 23\"a\\n\xc3\xa9\"true [4,{\"x\":[]}]{}-1e5\n", out) == AGGR_JSON_SKIP_END);
    CHECK(strcmp(out, "1|23|\"a\\n\xc3\xa9\"|true|[4,{\"x\":[]}]|{}|-1e5|") == 0);
    CHECK(split("", out) == AGGR_JSON_SKIP_END);
    CHECK(split(" \n", out) == AGGR_JSON_SKIP_END);
    CHECK(split("1 [2", out) == AGGR_JSON_SKIP_WRONG);
    CHECK(split("nullnull", out) == AGGR_JSON_SKIP_WRONG);
    CHECK(split("\"\xc3", out) == AGGR_JSON_SKIP_WRONG);
    CHECK(split("\"\xff 12345", out) == AGGR_JSON_SKIP_WRONG);
}

/* Places "", a, a/1, a/10: in the order that json_want.h wants. */
static void wants(void)
{
    static const char document[] = "{\"b\":1,\"\\u0061\":[0,\"x\",2,3,4,5,6,7,8,9,{}]}";
    struct aggr_json_want places[] = {
        {.key = "", .first = 1, .behind = 2},
        {.key = "a", .len = 1, .first = 2, .behind = 4},
        {.key = "1", .len = 1, .parent = 1, .first = 4, .behind = 4},
        {.key = "10", .len = 2, .parent = 1, .first = 4, .behind = 4},
    };
    char scratch[AGGR_JSON_WANT_SCRATCH(2)], *text = copy_of(document, sizeof document - 1);
    struct aggr_json_skip skip;
    for (size_t i = 0; i < 4; i++)
        places[i].index = aggr_json_want_index(places[i].key, places[i].len);
    aggr_json_skip_start(&skip, text, sizeof document - 1);
    skip.deepest = DEEPEST;
    skip.wants = (struct aggr_json_wants){.places = places, .longest = 2, .scratch = scratch};
    CHECK(run(&skip, 1) == AGGR_JSON_SKIP_DONE);
    for (uint32_t i = 0; i < 4; i++)
        CHECK(aggr_json_wants_found(&skip.wants, i));
    CHECK(places[2].to - places[2].from == 3 && memcmp(places[2].from, "\"x\"", 3) == 0);
    CHECK(places[3].to - places[3].from == 2 && memcmp(places[3].from, "{}", 2) == 0);
    free(skip.levels);
    free(text);
}

static void indices(void)
{
    CHECK(aggr_json_want_index("0", 1) == 0 && aggr_json_want_index("1203", 4) == 1203);
    CHECK(aggr_json_want_index("4294967294", 10) == 4294967294u);
    static const char *const others[] = {
        "", "00", "01", "-", "-1", "1x", "4294967295", "9999999999", "18446744073709551616"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(aggr_json_want_index(others[i], strlen(others[i])) == AGGR_JSON_NOWHERE);
}

int main(void)
{
    verdicts();
    distances();
    many();
    wants();
    indices();
    return check_report();
}
