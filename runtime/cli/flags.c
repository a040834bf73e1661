#include "cli/flags.h"

#include "base/duration.h"
#include "base/mem.h"
#include "cli/complain.h"
#include "cli/suggest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const struct aggr_flag aggr_flags[] = {
    {"eval", 'e', AGGR_FLAG_TEXT, false, "CODE", "run CODE in place of a script"},
    {"concurrency", 0, AGGR_FLAG_COUNT, true, "N", "requests in flight at once, in all (128)"},
    {"per-host", 0, AGGR_FLAG_COUNT, true, "N", "requests in flight at once to one host (32)"},
    {"workers", 0, AGGR_FLAG_COUNT, true, "N",
     "threads for the functions of aggr.work, 64 at most (one per core, but two)"},
    {"timeout", 0, AGGR_FLAG_DURATION, true, "D",
     "active time of one attempt, where the script sets none (10s)"},
    {"deadline", 0, AGGR_FLAG_DURATION, true, "D", "end the whole run after D, with exit code 6"},
    {"set", 0, AGGR_FLAG_LIST, false, "KEY=VALUE", "give a setting of the script a value"},
    {"settings", 0, AGGR_FLAG_TEXT, true, "FILE", "read settings from a JSON file"},
    {"format", 0, AGGR_FLAG_CHOICE, true, "json|ndjson|raw",
     "how the result is printed: one document, a line per element, or a string as it is (json)"},
    {"pretty", 0, AGGR_FLAG_SWITCH, true, NULL, "indent the JSON document"},
    {"out", 0, AGGR_FLAG_TEXT, true, "FILE",
     "print to FILE, replaced whole on exit 0 or 3; otherwise FILE.partial stays"},
    {"envelope", 0, AGGR_FLAG_SWITCH, true, NULL,
     "print {data, report, errors, exit, elapsed, run}, failures included"},
    {"partial-ok", 0, AGGR_FLAG_SWITCH, true, NULL, "exit 0 in place of 3 on a partial result"},
    {"log-level", 0, AGGR_FLAG_CHOICE, true, "debug|info|warn|error",
     "print log lines of this level and above (info)"},
    {"log-format", 0, AGGR_FLAG_CHOICE, true, "text|json", "how stderr is written (text)"},
    {"color", 0, AGGR_FLAG_CHOICE, true, "auto|always|never",
     "colours on stderr; auto: on a terminal, unless NO_COLOR is set (auto)"},
    {"quiet", 'q', AGGR_FLAG_SWITCH, true, NULL, "print errors only"},
    {"verbose", 'v', AGGR_FLAG_SWITCH, true, NULL,
     "print a line per request, and the defaults in force"},
    {"stall", 0, AGGR_FLAG_LIMIT, true, "D",
     "tell of tasks that keep the loop for longer than D; 0: none (100ms)"},
    {"max-slice", 0, AGGR_FLAG_LIMIT, true, "D",
     "end a task that keeps the loop for longer than D, with an error of kind stall; 0: none (5s)"},
    {"hard-stall", 0, AGGR_FLAG_LIMIT, true, "D",
     "end the run, with exit code 70, when a task can't be ended for D; 0: never (30s)"},
    {"max-stall", 0, AGGR_FLAG_DURATION, true, "D",
     "exit with 5 in place of 0 or 3 when a task has kept the loop for longer than D"},
    {"max-memory", 0, AGGR_FLAG_SIZE, true, "SIZE",
     "end a task that takes Lua's heap and what is in flight over SIZE, with an error of kind "
     "memory; 0: none (0)"},
    {"max-buffered", 0, AGGR_FLAG_SIZE, true, "SIZE",
     "pause transfers while more than SIZE of their responses waits to be handed over; 0: never "
     "(64MiB, or a quarter of --max-memory)"},
    {"transport", 0, AGGR_FLAG_CHOICE, true, "auto|native|curl",
     "what speaks HTTP: curl; native, quicker but HTTP/1.1 only; each where it can (auto)"},
    {"no-strict", 0, AGGR_FLAG_SWITCH, true, NULL,
     "let scripts read undefined globals and assign new ones inside functions"},
    {"allow-ffi", 0, AGGR_FLAG_SWITCH, true, NULL,
     "let scripts require ffi: aggr's promises of memory and safety end there"},
    {"audit", 0, AGGR_FLAG_MODE, true, "leaks",
     "end with a table of what was made and what is left, and with exit code 70 in place of 0 or 3 "
     "when something is; leaks: print it only then"},
    {"help", 'h', AGGR_FLAG_SWITCH, false, NULL,
     "print this help; with a script, its settings too"},
    {0},
};

const struct aggr_flag aggr_check_flags[] = {
    {"format", 0, AGGR_FLAG_CHOICE, false, "text|json|short",
     "how findings are printed: for people, as a JSON list, or a line each (text)"},
    {"color", 0, AGGR_FLAG_CHOICE, true, "auto|always|never",
     "colours on stdout; auto: on a terminal, unless NO_COLOR is set (auto)"},
    {"help", 'h', AGGR_FLAG_SWITCH, false, NULL, "print this help"},
    {0},
};

size_t aggr_flag_find(const struct aggr_flag *flags, const char *name)
{
    size_t i = 0;
    while (strcmp(flags[i].name, name) != 0)
        i++;
    return i;
}

size_t aggr_flag_index(const char *name)
{
    return aggr_flag_find(aggr_flags, name);
}

void aggr_flag_env(const struct aggr_flag *flag, char *out)
{
    size_t at = strlen(strcpy(out, "AGGR_"));
    for (const char *c = flag->name; *c && at + 1 < AGGR_FLAG_ENV_MAX; c++)
        out[at++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    out[at] = 0;
}

double aggr_flag_number(const struct aggr_flag *flag, const char *value)
{
    double seconds = 0;
    if (flag->type == AGGR_FLAG_DURATION || flag->type == AGGR_FLAG_LIMIT) {
        aggr_duration_parse(&seconds, value, strlen(value), NULL);
        return seconds;
    }
    if (flag->type == AGGR_FLAG_SIZE) {
        uint64_t bytes = 0;
        aggr_size_parse(&bytes, value, strlen(value), NULL);
        return (double)bytes;
    }
    return strtod(value, NULL);
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = choices; at; at = strchr(at, '|')) {
        at += *at == '|';
        if (len && strncmp(at, value, len) == 0 && (at[len] == '|' || at[len] == 0))
            return true;
    }
    return false;
}

static bool is_count(const char *value)
{
    size_t digits = strspn(value, "0123456789");
    return digits > 0 && digits < 8 && value[digits] == 0 && strtol(value, NULL, 10) > 0;
}

static bool is_duration(const char *value, bool or_zero)
{
    double seconds;
    return aggr_duration_parse(&seconds, value, strlen(value), NULL) == AGGR_OK &&
           (or_zero || seconds > 0);
}

static bool is_size(const char *value)
{
    uint64_t bytes;
    return aggr_size_parse(&bytes, value, strlen(value), NULL) == AGGR_OK;
}

/* Complains and returns false when `value` is none for `flag`; `where` is "--timeout" or
 * "AGGR_TIMEOUT". */
static bool check_value(const struct aggr_flag *flag, const char *where, const char *value)
{
    switch (flag->type) {
    case AGGR_FLAG_COUNT:
        if (is_count(value))
            return true;
        aggr_complain("%s must be a whole number from 1 to 9999999, got '%s'", where, value);
        return false;
    case AGGR_FLAG_DURATION:
        if (is_duration(value, false))
            return true;
        aggr_complain("%s must be a duration above zero such as 2 or 200ms or 5m, got '%s'", where,
                      value);
        return false;
    case AGGR_FLAG_SIZE:
        if (is_size(value))
            return true;
        aggr_complain("%s must be a size such as 65536 or 64MiB, or 0, got '%s'", where, value);
        return false;
    case AGGR_FLAG_LIMIT:
        if (is_duration(value, true))
            return true;
        aggr_complain("%s must be a duration such as 2 or 200ms or 5m, or 0 for no limit, got '%s'",
                      where, value);
        return false;
    case AGGR_FLAG_MODE:
    case AGGR_FLAG_CHOICE:
        if (is_choice(flag->value, value))
            return true;
        aggr_complain("%s must be one of %s, got '%s'", where, flag->value, value);
        return false;
    case AGGR_FLAG_LIST:
        if (strchr(value, '=') && value[0] != '=')
            return true;
        aggr_complain("%s takes %s, got '%s'", where, flag->value, value);
        return false;
    case AGGR_FLAG_TEXT:
        if (value[0] || flag->letter)
            return true;
        aggr_complain("%s needs a value, got an empty one", where);
        return false;
    case AGGR_FLAG_SWITCH:
        return true;
    }
    return false;
}

static void store(struct aggr_arguments *arguments, size_t index, const char *value)
{
    if (arguments->flags[index].type != AGGR_FLAG_LIST) {
        arguments->values[index] = value;
        return;
    }
    size_t count = arguments->counts[index]++;
    const char **list = aggr_mem_new(count + 1, sizeof *list);
    if (count)
        memcpy(list, arguments->lists[index], count * sizeof *list);
    list[count] = value;
    free(arguments->lists[index]);
    arguments->lists[index] = list;
}

/* What is left of argv: `next` moves on. */
struct cursor {
    char **next, **end;
};

/* `value` is what stood behind "=" (or the letter), NULL when nothing did. */
static int take_flag(struct aggr_arguments *arguments, size_t index, const char *shown,
                     const char *value, struct cursor *cursor)
{
    const struct aggr_flag *flag = &arguments->flags[index];
    if (flag->type == AGGR_FLAG_SWITCH && value)
        return aggr_complain("%s takes no value", shown);
    if (flag->type == AGGR_FLAG_SWITCH || (flag->type == AGGR_FLAG_MODE && !value)) {
        store(arguments, index, "");
        return 0;
    }
    if (!value) {
        if (cursor->next == cursor->end)
            return aggr_complain("%s needs a value: %s %s", shown, shown, flag->value);
        value = *cursor->next++;
    }
    if (!check_value(flag, shown, value))
        return AGGR_EXIT_USAGE;
    store(arguments, index, value);
    return 0;
}

static int unknown_option(const struct aggr_arguments *arguments, const char *text, size_t len)
{
    char typed[64];
    snprintf(typed, sizeof typed, "%.*s", (int)len, text);
    struct aggr_suggestion suggestion = {.wanted = typed + strspn(typed, "-")};
    for (const struct aggr_flag *flag = arguments->flags; flag->name; flag++)
        if (suggestion.wanted[0])
            aggr_suggest_offer(&suggestion, flag->name);
    if (suggestion.nearest)
        return aggr_complain("unknown option '%s', did you mean '--%s'?", typed,
                             suggestion.nearest);
    bool runs = arguments->flags == aggr_flags;
    return aggr_complain("unknown option '%s' ('aggr help %s' lists them; what follows '--' %s)",
                         typed, runs ? "run" : "check",
                         runs ? "goes to the script" : "are scripts");
}

static int take_long(struct aggr_arguments *arguments, char *text, struct cursor *cursor)
{
    size_t len = strcspn(text + 2, "=");
    for (size_t i = 0; arguments->flags[i].name; i++) {
        if (strlen(arguments->flags[i].name) != len ||
            strncmp(arguments->flags[i].name, text + 2, len) != 0)
            continue;
        char shown[AGGR_FLAG_ENV_MAX];
        snprintf(shown, sizeof shown, "--%s", arguments->flags[i].name);
        return take_flag(arguments, i, shown, text[2 + len] ? text + 2 + len + 1 : NULL, cursor);
    }
    return unknown_option(arguments, text, 2 + len);
}

/* "-qv", "-e CODE", "-eCODE". */
static int take_short(struct aggr_arguments *arguments, char *text, struct cursor *cursor)
{
    for (char *letter = text + 1; *letter; letter++) {
        size_t i = 0;
        while (arguments->flags[i].name && arguments->flags[i].letter != *letter)
            i++;
        if (!arguments->flags[i].name)
            return unknown_option(arguments, text, strlen(text));
        char shown[] = {'-', *letter, 0};
        bool alone = arguments->flags[i].type == AGGR_FLAG_SWITCH;
        int failed =
            take_flag(arguments, i, shown, alone || !letter[1] ? NULL : letter + 1, cursor);
        if (failed || !alone)
            return failed;
    }
    return 0;
}

static int is_true(const char *text)
{
    static const char *const yes[] = {"1", "true", "yes", "on"},
                             *no[] = {"", "0", "false", "no", "off"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcmp(text, yes[i]) == 0)
            return 1;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (strcmp(text, no[i]) == 0)
            return 0;
    return -1;
}

/* Options not given on the command line, from AGGR_<OPTION>. */
static int take_environment(struct aggr_arguments *arguments)
{
    for (size_t i = 0; arguments->flags[i].name; i++) {
        const struct aggr_flag *flag = &arguments->flags[i];
        if (!flag->in_environment || arguments->values[i])
            continue;
        char name[AGGR_FLAG_ENV_MAX];
        aggr_flag_env(flag, name);
        const char *value = getenv(name);
        if (!value)
            continue;
        int on = is_true(value);
        if (flag->type == AGGR_FLAG_SWITCH || (flag->type == AGGR_FLAG_MODE && on >= 0)) {
            if (on < 0)
                return aggr_complain("%s must be 1 or 0, got '%s'", name, value);
            if (on)
                store(arguments, i, "");
        } else if (value[0]) {
            if (!check_value(flag, name, value))
                return AGGR_EXIT_USAGE;
            store(arguments, i, value);
        }
    }
    return 0;
}

static void take_word(struct aggr_arguments *arguments, const char *word)
{
    bool runs = arguments->flags == aggr_flags;
    if (runs && !arguments->script && !arguments->values[aggr_flag_index("eval")])
        arguments->script = word;
    else
        arguments->rest[arguments->rest_count++] = word;
}

/* -e behind the first word: that word was an argument after all. */
static void settle_script(struct aggr_arguments *arguments)
{
    if (!arguments->script || !arguments->values[aggr_flag_index("eval")])
        return;
    memmove(arguments->rest + 1, arguments->rest, arguments->rest_count * sizeof *arguments->rest);
    arguments->rest[0] = arguments->script;
    arguments->rest_count++;
    arguments->script = NULL;
}

int aggr_arguments_parse(struct aggr_arguments *arguments, const struct aggr_flag *flags, int argc,
                         char **argv)
{
    *arguments = (struct aggr_arguments){
        .flags = flags,
        .rest = aggr_mem_new((size_t)argc + 1, sizeof(char *)),
    };
    struct cursor cursor = {argv, argv + argc};
    while (cursor.next < cursor.end) {
        char *word = *cursor.next++;
        int failed = 0;
        if (strcmp(word, "--") == 0) {
            while (cursor.next < cursor.end)
                take_word(arguments, *cursor.next++);
        } else if (word[0] == '-' && word[1] == '-') {
            failed = take_long(arguments, word, &cursor);
        } else if (word[0] == '-' && word[1]) {
            failed = take_short(arguments, word, &cursor);
        } else {
            take_word(arguments, word);
        }
        if (failed)
            return failed;
    }
    settle_script(arguments);
    return take_environment(arguments);
}

void aggr_arguments_deinit(struct aggr_arguments *arguments)
{
    for (size_t i = 0; i < AGGR_FLAG_MAX; i++)
        free(arguments->lists[i]);
    free(arguments->rest);
}
