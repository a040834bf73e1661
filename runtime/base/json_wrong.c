#include "base/json_wrong.h"

static const char *const texts[] = {
    [AGGR_JSON_WRONG_VALUE] = "expected a value",
    [AGGR_JSON_WRONG_KEY] = "expected a key in quotes",
    [AGGR_JSON_WRONG_COLON] = "expected ':' behind the key",
    [AGGR_JSON_WRONG_IN_OBJECT] = "expected ',' or '}'",
    [AGGR_JSON_WRONG_IN_ARRAY] = "expected ',' or ']'",
    [AGGR_JSON_WRONG_REST] = "something follows the value",
    [AGGR_JSON_WRONG_GAP] = "expected white space between two values",
    [AGGR_JSON_WRONG_DEPTH] = "nested deeper than %d",
    [AGGR_JSON_WRONG_STACK] = "nested too deep for Lua's stack",
    [AGGR_JSON_WRONG_TWICE] = "a key that is there already",
    [AGGR_JSON_WRONG_QUOTE] = "expected a closing quote",
    [AGGR_JSON_WRONG_CONTROL] = "a raw control character in a string (JSON wants it escaped)",
    [AGGR_JSON_WRONG_UTF8] = "a byte that is not UTF-8 in a string",
    [AGGR_JSON_WRONG_SURROGATE] = "half a surrogate pair",
    [AGGR_JSON_WRONG_ESCAPE] = "an escape that JSON does not have",
    [AGGR_JSON_WRONG_RANGE] = "a number that is too large for a double",
    [AGGR_JSON_WRONG_LONG] = "a number of over 65536 characters",
    [AGGR_JSON_WRONG_NUMBER] = "a number that JSON does not have",
};

const char *aggr_json_wrong_text(enum aggr_json_wrong wrong)
{
    return texts[wrong];
}

enum aggr_json_wrong aggr_json_wrong_string(enum aggr_json_scan found)
{
    switch (found) {
    case AGGR_JSON_SCAN_UNENDED:
        return AGGR_JSON_WRONG_QUOTE;
    case AGGR_JSON_SCAN_CONTROL:
        return AGGR_JSON_WRONG_CONTROL;
    case AGGR_JSON_SCAN_UTF8:
        return AGGR_JSON_WRONG_UTF8;
    case AGGR_JSON_SCAN_SURROGATE:
        return AGGR_JSON_WRONG_SURROGATE;
    default:
        return AGGR_JSON_WRONG_ESCAPE;
    }
}

enum aggr_json_wrong aggr_json_wrong_number(enum aggr_json_number found)
{
    switch (found) {
    case AGGR_JSON_NUMBER_RANGE:
        return AGGR_JSON_WRONG_RANGE;
    case AGGR_JSON_NUMBER_LONG:
        return AGGR_JSON_WRONG_LONG;
    default:
        return AGGR_JSON_WRONG_NUMBER;
    }
}
