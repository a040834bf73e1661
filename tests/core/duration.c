/* Durations and sizes as people write them, and what they are told when they don't. */
#include "base/duration.h"
#include "check.h"

static double seconds(const char *text)
{
    double value = -1;
    enum aggr_err err = aggr_duration_parse(&value, text, strlen(text), NULL);
    return err == AGGR_OK ? value : -1;
}

static double size(const char *text)
{
    uint64_t value = 0;
    enum aggr_err err = aggr_size_parse(&value, text, strlen(text), NULL);
    return err == AGGR_OK ? (double)value : -1;
}

static void durations(void)
{
    CHECK(seconds("2") == 2);
    CHECK(seconds("0") == 0);
    CHECK(seconds("1.5") == 1.5);
    CHECK(seconds("200ms") == 0.2);
    CHECK(seconds("0.5ms") == 0.0005);
    CHECK(seconds("2s") == 2);
    CHECK(seconds("5m") == 300);
    CHECK(seconds("1.5h") == 5400);
}

static void bad_durations(void)
{
    static const char *const BAD[] = {"",     "s",    "-1",  "+1",   " 1",    "1 s",  "1s ",
                                      "1S",   "1sec", "1.",  ".5",   "1.s",   "1..5", "1.2.3",
                                      "1e3",  "0x10", "nan", "inf",  "1m30s", "1d",   "10us",
                                      "1,5s", "٣s",   "ms",  "1KiB", "1\x01s"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        if (seconds(BAD[i]) != -1)
            fprintf(stderr, "accepted duration '%s'\n", BAD[i]);
        CHECK(seconds(BAD[i]) == -1);
    }
    CHECK(seconds("11111111111111111111111111111111111111111") == -1);
}

static void sizes(void)
{
    CHECK(size("65536") == 65536);
    CHECK(size("0") == 0);
    CHECK(size("12B") == 12);
    CHECK(size("64KiB") == 65536);
    CHECK(size("10MiB") == 10485760);
    CHECK(size("1.5GiB") == 1610612736);
    CHECK(size("9007199254740992") == 9007199254740992.0);
}

static void bad_sizes(void)
{
    static const char *const BAD[] = {"",          "KiB",  "-1",     "1.5",
                                      "0.3KiB",    "1KB",  "1kb",    "1K",
                                      "1M",        "1mib", "10 MiB", "99999999999999999",
                                      "9999999GiB"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        if (size(BAD[i]) != -1)
            fprintf(stderr, "accepted size '%s'\n", BAD[i]);
        CHECK(size(BAD[i]) == -1);
    }
}

static void failures_say_what_is_wanted_and_what_was_written(void)
{
    struct aggr_failure why = {0};
    double value;
    CHECK(aggr_duration_parse(&value, "fast!", 4, &why) == AGGR_ERR_USAGE);
    CHECK(why.code == AGGR_ERR_USAGE);
    CHECK_STR(why.text, "must be a duration such as 2, '200ms', '2s', '5m' or '1h', got 'fast'");
    uint64_t bytes;
    why = (struct aggr_failure){0};
    CHECK(aggr_size_parse(&bytes, "10MB", 4, &why) == AGGR_ERR_USAGE);
    CHECK_STR(why.text, "must be a size such as 65536, '64KiB' or '10MiB', got '10MB'");
    why = (struct aggr_failure){0};
    char longer[500];
    memset(longer, 'x', sizeof longer);
    CHECK(aggr_duration_parse(&value, longer, sizeof longer, &why) == AGGR_ERR_USAGE);
    CHECK(strlen(why.text) < 150 && strstr(why.text, "xxx...'"));
}

int main(void)
{
    durations();
    bad_durations();
    sizes();
    bad_sizes();
    failures_say_what_is_wanted_and_what_was_written();
    return check_report();
}
