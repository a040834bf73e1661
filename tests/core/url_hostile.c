/* URLs nobody would write, by the hundred thousand, and allocations failing one after the other. */
#include "base/rng.h"
#include "base/url.h"
#include "check.h"
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

static int calls_until_failure = -1; /* -1 = never */

static bool fails_now(void)
{
    return calls_until_failure >= 0 && calls_until_failure-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    return fails_now() ? NULL : __real_strndup(text, len);
}

enum { ROUNDS = 200000, LONGEST = 24 };

/* A text of pieces that matter to a URL parser, in no order. */
static size_t random_text(struct aggr_rng *rng, char *text)
{
    static const char *const PIECES[] = {
        "http://", "https://", "http:", "//",     "/",    "?",    "#",    ":",   "@",
        "[",       "]",        "::1",   "..",     ".",    "%",    "%41",  "%00", "a",
        "h.t",     "80",       "\\",    " ",      "\r\n", "\xff", "ftp:", "&",   "=x",
        "0",       "99999",    "-",     "u:p@h/", "%2e",  "xn--a"};
    size_t len = 0;
    unsigned count = (unsigned)aggr_rng_below(rng, LONGEST);
    for (unsigned i = 0; i < count; i++) {
        const char *piece = PIECES[aggr_rng_below(rng, sizeof PIECES / sizeof *PIECES)];
        memcpy(text + len, piece, strlen(piece));
        len += strlen(piece);
    }
    text[len] = '\0';
    return len;
}

/* What was accepted has all its parts, is clean, and parses to itself. */
static void check_accepted(const struct aggr_url *url)
{
    struct aggr_url again;
    CHECK(aggr_url_parse(&again, url->text, strlen(url->text), NULL) == AGGR_OK);
    if (!again.text)
        return;
    CHECK_STR(again.text, url->text);
    CHECK_STR(again.origin, url->origin);
    CHECK(again.userinfo == NULL);
    CHECK(url->target[0] == '/' && url->host[0] && url->port > 0 && url->port < 65536);
    CHECK(strspn(url->text, "!$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_"
                            "abcdefghijklmnopqrstuvwxyz~") == strlen(url->text));
    CHECK(strstr(url->target, "/../") == NULL || strchr(url->target, '?'));
    aggr_url_deinit(&again);
}

static void random_urls(uint64_t seed)
{
    struct aggr_rng rng;
    struct aggr_url base;
    char text[LONGEST * 8 + 1], masked[sizeof text + 8];
    int accepted = 0;
    aggr_rng_init(&rng, seed);
    CHECK(aggr_url_parse(&base, "http://u:p@a/b/c/d;p?q", 22, NULL) == AGGR_OK);
    for (int i = 0; i < ROUNDS; i++) {
        struct aggr_url url;
        size_t len = random_text(&rng, text);
        CHECK(aggr_url_mask(masked, sizeof masked, text) < sizeof masked);
        enum aggr_err err = i % 2 ? aggr_url_parse(&url, text, len, NULL)
                                  : aggr_url_resolve(&url, &base, text, len, NULL);
        if (err == AGGR_OK) {
            accepted++;
            check_accepted(&url);
        }
        aggr_url_deinit(&url);
    }
    CHECK(accepted > ROUNDS / 100);
    aggr_url_deinit(&base);
}

static void every_allocation_may_fail(void)
{
    struct aggr_url base, url;
    CHECK(aggr_url_parse(&base, "http://u:p@[::1]:8080/b", 23, NULL) == AGGR_OK);
    for (int from = 0; from < 2; from++) {
        int nth = 0;
        enum aggr_err err;
        do {
            struct aggr_failure why = {0};
            calls_until_failure = nth++;
            err = from ? aggr_url_resolve(&url, &base, "c?d", 3, &why)
                       : aggr_url_parse(&url, "http://u:p@h/x?y", 16, &why);
            calls_until_failure = -1;
            CHECK(err == AGGR_OK || (err == AGGR_ERR_MEMORY && why.code == err && !url.text));
        } while (err != AGGR_OK);
        CHECK(nth == 2);
        aggr_url_deinit(&url);
    }
    aggr_url_deinit(&base);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : aggr_rng_entropy();
    random_urls(seed);
    every_allocation_may_fail();
    if (check_failed)
        fprintf(stderr, "seed %#llx\n", (unsigned long long)seed);
    return check_report();
}
