/* json_wrong.h -- what may be wrong with a JSON text, and how it is said. */
#pragma once
#include "base/json_number.h"
#include "base/json_text.h"

enum aggr_json_wrong {
    AGGR_JSON_WRONG_VALUE,
    AGGR_JSON_WRONG_KEY,
    AGGR_JSON_WRONG_COLON,
    AGGR_JSON_WRONG_IN_OBJECT,
    AGGR_JSON_WRONG_IN_ARRAY,
    AGGR_JSON_WRONG_REST,
    AGGR_JSON_WRONG_GAP,
    AGGR_JSON_WRONG_DEPTH, /* its text has a %d for the most levels */
    AGGR_JSON_WRONG_STACK,
    AGGR_JSON_WRONG_TWICE,
    AGGR_JSON_WRONG_QUOTE,
    AGGR_JSON_WRONG_CONTROL,
    AGGR_JSON_WRONG_UTF8,
    AGGR_JSON_WRONG_SURROGATE,
    AGGR_JSON_WRONG_ESCAPE,
    AGGR_JSON_WRONG_RANGE,
    AGGR_JSON_WRONG_LONG,
    AGGR_JSON_WRONG_NUMBER,
};

const char *aggr_json_wrong_text(enum aggr_json_wrong wrong);

/* Of what a look at a string, or at a number, found wrong. */
enum aggr_json_wrong aggr_json_wrong_string(enum aggr_json_scan found);
enum aggr_json_wrong aggr_json_wrong_number(enum aggr_json_number found);
