#include "base/json_skip.h"
#include "base/json_word.h"
#include <string.h>

/* Functions that go on return where; NULL: the verdict is there. */

static const char *leave(struct aggr_json_skip *skip, const char *at,
                         enum aggr_json_skipped verdict)
{
    skip->at = at;
    skip->verdict = verdict;
    return NULL;
}

static const char *fail(struct aggr_json_skip *skip, const char *at, enum aggr_json_wrong wrong)
{
    skip->wrong = wrong;
    return leave(skip, at, AGGR_JSON_SKIP_WRONG);
}

static struct aggr_json_skip_level *innermost(struct aggr_json_skip *skip)
{
    return &skip->levels[skip->depth - 1];
}

static bool is_in_string(const struct aggr_json_skip *skip)
{
    return skip->expected == AGGR_JSON_SKIP_KEY_STRING ||
           skip->expected == AGGR_JSON_SKIP_VALUE_STRING;
}

void aggr_json_skip_start(struct aggr_json_skip *skip, const char *text, size_t len)
{
    *skip = (struct aggr_json_skip){.start = text, .at = text, .final = true};
    aggr_json_skip_move(skip, text, len);
}

void aggr_json_skip_next(struct aggr_json_skip *skip)
{
    skip->start = skip->at;
    skip->expected = AGGR_JSON_SKIP_VALUE;
}

void aggr_json_skip_move(struct aggr_json_skip *skip, const char *text, size_t len)
{
    skip->at = text + (skip->at - skip->start);
    if (is_in_string(skip))
        skip->string = text + (skip->string - skip->start);
    skip->start = text;
    skip->end = skip->stop = text + len;
}

/* Behind a value. */
static inline const char *end_value(struct aggr_json_skip *skip, const char *at)
{
    if (skip->place != AGGR_JSON_NOWHERE)
        skip->wants.places[skip->place].to = at;
    if (skip->depth == 0) {
        skip->expected = AGGR_JSON_SKIP_REST;
        return skip->many ? leave(skip, at, AGGR_JSON_SKIP_DONE) : at;
    }
    struct aggr_json_skip_level *level = innermost(skip);
    level->count++;
    skip->expected = AGGR_JSON_SKIP_COMMA;
    if (*at == ',') { /* as nearly always: without another turn */
        at++;
        skip->expected = level->is_object ? AGGR_JSON_SKIP_KEY : AGGR_JSON_SKIP_VALUE;
    }
    return at;
}

static const char *open_level(struct aggr_json_skip *skip, const char *at, bool is_object)
{
    if (skip->depth == skip->deepest)
        return fail(skip, at, AGGR_JSON_WRONG_DEPTH);
    if (skip->depth == skip->room)
        return leave(skip, at, AGGR_JSON_SKIP_ROOM);
    struct aggr_json_skip_level *level = &skip->levels[skip->depth++];
    *level = (struct aggr_json_skip_level){.place = skip->place, .is_object = is_object};
    if (skip->place != AGGR_JSON_NOWHERE)
        level->cursor = skip->wants.places[skip->place].first;
    skip->expected = is_object ? AGGR_JSON_SKIP_FIRST_KEY : AGGR_JSON_SKIP_FIRST_ITEM;
    return at + 1;
}

static const char *close_level(struct aggr_json_skip *skip, const char *at)
{
    skip->place = innermost(skip)->place;
    skip->depth--;
    return end_value(skip, at + 1);
}

/* Behind a key whose quote is at `at`. */
static inline const char *end_key(struct aggr_json_skip *skip, const char *at)
{
    struct aggr_json_skip_level *level = innermost(skip);
    level->key = (size_t)(skip->string - skip->start);
    if (level->place != AGGR_JSON_NOWHERE)
        level->cursor = aggr_json_wants_member(&skip->wants, level->place, skip->string,
                                               (size_t)(at - skip->string));
    skip->expected = AGGR_JSON_SKIP_COLON;
    if (*++at == ':') {
        at++;
        skip->expected = AGGR_JSON_SKIP_VALUE;
    }
    return at;
}

/* Whether more text may make it right. */
static bool is_cut(const struct aggr_json_skip *skip, const char *at, enum aggr_json_scan found)
{
    enum { LONGEST_ESCAPE = 12, LONGEST_CHARACTER = 4 };
    ptrdiff_t left = skip->end - at;
    if (skip->final || found == AGGR_JSON_SCAN_CONTROL)
        return false;
    return left < (found == AGGR_JSON_SCAN_UTF8 ? LONGEST_CHARACTER : LONGEST_ESCAPE);
}

static const char *pass_string(struct aggr_json_skip *skip, const char *at)
{
    bool is_key = skip->expected == AGGR_JSON_SKIP_KEY_STRING;
    enum aggr_json_scan found = aggr_json_pass_string(&at, skip->stop, skip->end);
    if (found == AGGR_JSON_SCAN_DONE)
        return is_key ? end_key(skip, at) : end_value(skip, at + 1);
    if (found == AGGR_JSON_SCAN_MORE)
        return leave(skip, at, AGGR_JSON_SKIP_SLICE);
    if (is_cut(skip, at, found))
        return leave(skip, at, AGGR_JSON_SKIP_MORE);
    return fail(skip, at, aggr_json_wrong_string(found));
}

static const char *read_long_string(struct aggr_json_skip *skip, const char *at,
                                    enum aggr_json_skip_expected expected)
{
    skip->expected = expected;
    return pass_string(skip, at);
}

static inline const char *read_string(struct aggr_json_skip *skip, const char *at)
{
    skip->string = ++at;
    at = aggr_json_plain_end(at, skip->stop);
    if (at < skip->stop && *at == '"')
        return end_value(skip, at + 1);
    return read_long_string(skip, at, AGGR_JSON_SKIP_VALUE_STRING);
}

/* Behind a number that is one for certain, and no larger than a double; NULL: that needs another
 * look. */
static inline const char *pass_number(const char *at, const char *end)
{
    enum { FINITE = 308, EXPONENT_DIGITS = 3 };
    const char *first = at + (*at == '-');
    at = aggr_json_digits_end(first, end);
    ptrdiff_t digits = at - first;
    if (digits == 0 || digits > FINITE || (*first == '0' && digits > 1))
        return NULL;
    if (*at == '.') {
        const char *fraction = at + 1;
        at = aggr_json_digits_end(fraction, end);
        if (at == fraction || at - fraction > FINITE)
            return NULL;
    }
    if ((*at | 0x20) == 'e') {
        const char *exponent = at + 1 + (at[1] == '-' || at[1] == '+');
        bool negative = at[1] == '-';
        at = aggr_json_digits_end(exponent, end);
        int value = 0;
        if (at == exponent || at - exponent > EXPONENT_DIGITS)
            return NULL;
        for (; exponent < at; exponent++)
            value = value * 10 + (*exponent - '0');
        if (!negative && digits + value > FINITE)
            return NULL;
    }
    return aggr_json_goes_on(*at) ? NULL : at;
}

/* Whether a number at the end of the text goes on in what comes. */
static bool is_cut_number(const struct aggr_json_skip *skip, const char *at)
{
    while (aggr_json_goes_on(*at))
        at++;
    return !skip->final && at == skip->end;
}

static const char *read_odd_number(struct aggr_json_skip *skip, const char *at)
{
    double value;
    if (is_cut_number(skip, at))
        return skip->end - at > AGGR_JSON_NUMBER_BYTES ? fail(skip, at, AGGR_JSON_WRONG_LONG)
                                                       : leave(skip, at, AGGR_JSON_SKIP_MORE);
    enum aggr_json_number found = aggr_json_read_number(&at, skip->end, &value);
    size_t integer =
        found == AGGR_JSON_NUMBER_RANGE && skip->any_integer ? aggr_json_big_integer(at) : 0;
    if (integer > 0)
        return end_value(skip, at + integer);
    if (found != AGGR_JSON_NUMBER_DONE)
        return fail(skip, at, aggr_json_wrong_number(found));
    return end_value(skip, at);
}

static inline const char *read_number(struct aggr_json_skip *skip, const char *at)
{
    const char *behind = pass_number(at, skip->end);
    if (!behind || behind == skip->end)
        return read_odd_number(skip, at);
    return end_value(skip, behind);
}

/* Behind the words between which nothing has to be, something must. */
static const char *end_word(struct aggr_json_skip *skip, const char *at, size_t len)
{
    const char *behind = at + len;
    if (behind == skip->end && !skip->final)
        return leave(skip, at, AGGR_JSON_SKIP_MORE);
    if (aggr_json_goes_on(*behind))
        return fail(skip, behind, AGGR_JSON_WRONG_GAP);
    return end_value(skip, behind);
}

static inline const char *read_word(struct aggr_json_skip *skip, const char *at, const char *word,
                                    size_t len)
{
    size_t left = (size_t)(skip->end - at);
    if (left >= len && memcmp(at, word, len) == 0)
        return skip->many && skip->depth == 0 ? end_word(skip, at, len) : end_value(skip, at + len);
    if (left < len && !skip->final && memcmp(at, word, left) == 0)
        return leave(skip, at, AGGR_JSON_SKIP_MORE);
    return fail(skip, at, AGGR_JSON_WRONG_VALUE);
}

/* The value at `at` is the one at skip->place. */
static inline void find_place(struct aggr_json_skip *skip, const char *at)
{
    if (skip->depth == 0) {
        if (skip->many)
            skip->start = at;
        skip->place = skip->wants.places ? 0 : AGGR_JSON_NOWHERE;
    } else {
        struct aggr_json_skip_level *level = innermost(skip);
        skip->place = level->place;
        if (level->place == AGGR_JSON_NOWHERE)
            return;
        skip->place = level->is_object ? level->cursor
                                       : aggr_json_wants_item(&skip->wants, level->place,
                                                              &level->cursor, level->count);
    }
    if (skip->place != AGGR_JSON_NOWHERE)
        skip->wants.places[skip->place].from = at;
}

static inline const char *read_value(struct aggr_json_skip *skip, const char *at)
{
    find_place(skip, at);
    switch (*at) {
    case '"':
        return read_string(skip, at);
    case '{':
        return open_level(skip, at, true);
    case '[':
        return open_level(skip, at, false);
    case 't':
        return read_word(skip, at, "true", 4);
    case 'f':
        return read_word(skip, at, "false", 5);
    case 'n':
        return read_word(skip, at, "null", 4);
    default:
        if (*at == '-' || aggr_json_is_digit(*at))
            return read_number(skip, at);
        return fail(skip, at, AGGR_JSON_WRONG_VALUE);
    }
}

static inline const char *read_key(struct aggr_json_skip *skip, const char *at)
{
    if (*at != '"')
        return fail(skip, at, AGGR_JSON_WRONG_KEY);
    skip->string = ++at;
    at = aggr_json_plain_end(at, skip->stop);
    if (at >= skip->stop || *at != '"')
        return read_long_string(skip, at, AGGR_JSON_SKIP_KEY_STRING);
    at = end_key(skip, at);
    bool is_next = skip->expected == AGGR_JSON_SKIP_VALUE && at<skip->stop && * at> ' ';
    return is_next ? read_value(skip, at) : at;
}

static const char *read_comma(struct aggr_json_skip *skip, const char *at)
{
    bool in_object = innermost(skip)->is_object;
    if (*at == ',') {
        skip->expected = in_object ? AGGR_JSON_SKIP_KEY : AGGR_JSON_SKIP_VALUE;
        return at + 1;
    }
    if (*at == (in_object ? '}' : ']'))
        return close_level(skip, at);
    return fail(skip, at, in_object ? AGGR_JSON_WRONG_IN_OBJECT : AGGR_JSON_WRONG_IN_ARRAY);
}

static const char *read_colon(struct aggr_json_skip *skip, const char *at)
{
    if (*at != ':')
        return fail(skip, at, AGGR_JSON_WRONG_COLON);
    skip->expected = AGGR_JSON_SKIP_VALUE;
    return at + 1;
}

static const char *read_token(struct aggr_json_skip *skip, const char *at)
{
    switch (skip->expected) {
    case AGGR_JSON_SKIP_COMMA:
        return read_comma(skip, at);
    case AGGR_JSON_SKIP_COLON:
        return read_colon(skip, at);
    case AGGR_JSON_SKIP_FIRST_KEY:
        return *at == '}' ? close_level(skip, at) : read_key(skip, at);
    case AGGR_JSON_SKIP_KEY:
        return read_key(skip, at);
    case AGGR_JSON_SKIP_FIRST_ITEM:
        return *at == ']' ? close_level(skip, at) : read_value(skip, at);
    case AGGR_JSON_SKIP_REST:
        return at == skip->end ? leave(skip, at, AGGR_JSON_SKIP_DONE)
                               : fail(skip, at, AGGR_JSON_WRONG_REST);
    default:
        return read_value(skip, at);
    }
}

/* The slice or the text ends between two tokens. */
static const char *read_end(struct aggr_json_skip *skip, const char *at)
{
    if (skip->stop < skip->end)
        return leave(skip, at, AGGR_JSON_SKIP_SLICE);
    if (!skip->final)
        return leave(skip, at, AGGR_JSON_SKIP_MORE);
    if (skip->many && skip->depth == 0)
        return leave(skip, at, AGGR_JSON_SKIP_END);
    return read_token(skip, at);
}

enum aggr_json_skipped aggr_json_skip_run(struct aggr_json_skip *skip)
{
    const char *at = skip->at;
    if (is_in_string(skip))
        at = pass_string(skip, at);
    while (at) {
        at = aggr_json_space_end(at, skip->stop);
        at = at < skip->stop ? read_token(skip, at) : read_end(skip, at);
    }
    return skip->verdict;
}

bool aggr_json_skip_has_key(const struct aggr_json_skip *skip)
{
    return skip->expected == AGGR_JSON_SKIP_COLON || skip->expected == AGGR_JSON_SKIP_VALUE ||
           skip->expected == AGGR_JSON_SKIP_VALUE_STRING;
}

size_t aggr_json_skip_item(const struct aggr_json_skip *skip, int level)
{
    bool is_done = level == skip->depth - 1 && skip->expected == AGGR_JSON_SKIP_COMMA;
    return (size_t)skip->levels[level].count + !is_done;
}
