/* flags.h -- the options of the commands: ONE table for each, which parsing, help and environment
 * names read.
 *
 * Borrows argv and the environment: both outlive what is parsed.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum aggr_flag_type {
    AGGR_FLAG_SWITCH,   /* no value */
    AGGR_FLAG_COUNT,    /* a whole number from 1 */
    AGGR_FLAG_DURATION, /* 2, 200ms, 5m */
    AGGR_FLAG_LIMIT,    /* a duration, or 0 for none */
    AGGR_FLAG_SIZE,     /* 65536, 64KiB, or 0 for none */
    AGGR_FLAG_TEXT,
    AGGR_FLAG_MODE,   /* no value, or behind '=' one of the words in `value`, which '|' parts */
    AGGR_FLAG_CHOICE, /* one of the words in `value`, which '|' parts */
    AGGR_FLAG_LIST,   /* may be repeated */
};

struct aggr_flag {
    const char *name; /* long name without "--" */
    char letter;      /* short form, 0 = none */
    enum aggr_flag_type type;
    bool in_environment; /* also read from AGGR_<NAME> */
    const char *value;   /* how help writes the value; NULL for a switch */
    const char *help;    /* one line */
};

extern const struct aggr_flag aggr_flags[];       /* of run; a NULL name ends them */
extern const struct aggr_flag aggr_check_flags[]; /* of check */
enum { AGGR_FLAG_MAX = 40 };

/* Index of a flag in aggr_flags by its long name, which must exist. */
size_t aggr_flag_index(const char *name);

/* The same in any of the tables. */
size_t aggr_flag_find(const struct aggr_flag *flags, const char *name);

/* "AGGR_PER_HOST" for per-host, into a buffer of AGGR_FLAG_ENV_MAX bytes. */
enum { AGGR_FLAG_ENV_MAX = 48 };
void aggr_flag_env(const struct aggr_flag *flag, char *out);

struct aggr_arguments {
    const struct aggr_flag *flags;     /* the command's; the arrays below go by them */
    const char *values[AGGR_FLAG_MAX]; /* as typed, checked; "" for what is on without a value */
    const char **lists[AGGR_FLAG_MAX]; /* owned arrays of `counts` values, for LIST */
    size_t counts[AGGR_FLAG_MAX];
    const char *script; /* of run; NULL when there is none, or with -e */
    const char **rest;  /* owned array: the script's own arguments; of check: the scripts */
    size_t rest_count;
};

/* Parses what follows the command whose `flags` these are, then fills in from the environment.
 * Returns 0, or AGGR_EXIT_USAGE after complaining; deinit either way. */
int aggr_arguments_parse(struct aggr_arguments *arguments, const struct aggr_flag *flags, int argc,
                         char **argv);
void aggr_arguments_deinit(struct aggr_arguments *arguments);

/* The number of a COUNT, DURATION or LIMIT (in seconds), SIZE (in bytes) that parse has accepted.
 */
double aggr_flag_number(const struct aggr_flag *flag, const char *value);
