#include "cli/audit_report.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_OF_A_ROW = 20 };

static void print_leftover(FILE *out, const struct aggr_leftover *left)
{
    bool counted = left->row == AGGR_LEDGER_BYTES;
    const char *place = left->place[0] ? left->place : "no line is known";
    fprintf(out, "  %s%s%s", place, left->what[0] ? ": " : "", left->what);
    if (counted)
        fprintf(out, " (%" PRIu64 " bytes)", left->count);
    else if (left->count > 1)
        fprintf(out, " (%" PRIu64 " times)", left->count);
    fputc('\n', out);
}

static void print_row(FILE *out, const struct aggr_audit *audit, enum aggr_ledger_row row)
{
    const struct aggr_list *all = aggr_audit_leftovers(audit);
    uint64_t left = aggr_audit_left(audit, row);
    unsigned shown = 0, more = 0;
    fprintf(out, "%-12s ", aggr_audit_row_name(row));
    if (aggr_audit_row_counted(row))
        fprintf(out, "%12" PRIu64, aggr_audit_ledger(audit)->made[row]);
    else
        fprintf(out, "%12s", "-");
    fprintf(out, " %12" PRIu64 "\n", left);
    for (const struct aggr_list *at = all->next; at != all; at = at->next) {
        const struct aggr_leftover *leftover =
            AGGR_LIST_ENTRY(at, const struct aggr_leftover, link);
        if (leftover->row != row)
            continue;
        if (shown++ < MOST_OF_A_ROW)
            print_leftover(out, leftover);
        else
            more++;
    }
    if (more > 0)
        fprintf(out, "  … and %u more lines\n", more);
}

static void print_table(FILE *out, const struct aggr_audit *audit)
{
    fprintf(out, "%-12s %12s %12s\n", "audit", "created", "left");
    for (int row = 0; row < AGGR_LEDGER_ROWS; row++)
        print_row(out, audit, row);
}

/* Length of the well-formed UTF-8 sequence at `text`, 0 when there is none. */
static size_t sequence(const char *text)
{
    unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
    size_t len = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first > 0xF4 || (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
        return 0;
    for (size_t i = 1; i < len; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

static void put_string(FILE *out, const char *name, const char *text)
{
    fprintf(out, ",\"%s\":\"", name);
    for (size_t len; *text; text += len ? len : 1) {
        len = sequence(text);
        if (len == 0)
            fputs("\\ufffd", out);
        else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(out, "\\u%04x", *text);
        else
            fwrite(text, 1, len, out);
    }
    fputc('"', out);
}

static void put_rows(FILE *out, const struct aggr_audit *audit, bool created)
{
    const char *comma = "";
    for (int row = 0; row < AGGR_LEDGER_ROWS; row++) {
        if (created && !aggr_audit_row_counted(row))
            continue;
        fprintf(out, "%s\"%s\":%" PRIu64, comma, aggr_audit_row_name(row),
                created ? aggr_audit_ledger(audit)->made[row] : aggr_audit_left(audit, row));
        comma = ",";
    }
}

static void put_leftovers(FILE *out, const struct aggr_list *all)
{
    const char *comma = "";
    for (const struct aggr_list *at = all->next; at != all; at = at->next) {
        const struct aggr_leftover *left = AGGR_LIST_ENTRY(at, const struct aggr_leftover, link);
        fprintf(out, "%s{\"count\":%" PRIu64, comma, left->count);
        if (left->place[0])
            put_string(out, "place", left->place);
        put_string(out, "row", aggr_audit_row_name(left->row));
        if (left->what[0])
            put_string(out, "what", left->what);
        fputc('}', out);
        comma = ",";
    }
}

/* As lua/aggr/log.lua has its lines. */
static void print_json(FILE *out, const struct aggr_audit *audit)
{
    bool clean = aggr_audit_clean(audit);
    double now_s = aggr_clock_system.wall_s(&aggr_clock_system);
    time_t seconds = (time_t)now_s;
    struct tm utc;
    char stamp[32];
    gmtime_r(&seconds, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    fprintf(out, "{\"level\":\"%s\",\"msg\":\"audit: %s is left\",\"time\":\"%s.%03dZ\",",
            clean ? "info" : "error", clean ? "nothing" : "something", stamp,
            (int)((now_s - (double)seconds) * 1000));
    fputs("\"audit\":{\"created\":{", out);
    put_rows(out, audit, true);
    fputs("},\"left\":{", out);
    put_rows(out, audit, false);
    fputs("},\"leftovers\":[", out);
    put_leftovers(out, aggr_audit_leftovers(audit));
    fputs("]},\"event\":\"audit\"}\n", out);
}

void aggr_audit_report(const struct aggr_audit *audit, bool json)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    if (json)
        print_json(out, audit);
    else
        print_table(out, audit);
    fclose(out);
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\n') || text[i] == 127)
            text[i] = '?';
    fwrite(text, 1, len, stderr); /* stderr has no buffer */
    free(text);
}
