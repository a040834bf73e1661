/* Blocks of request headers, and the names a multi handle has been taught. */
#include "io/headers.h"
#include "check.h"
#include "io/taught.h"

static void blocks_are_checked(void)
{
    static const struct {
        const char *block, *text;
    } cases[] = {
        {"Good: yes\nEmpty:\nTab: a\tb\nUtf: \xc3\xa9\n", ""},
        {"", ""},
        {"A: b\r\n", "header 'A' has a control character in its value"},
        {"A: b\x7f\n", "header 'A' has a control character in its value"},
        {"A : b\n", "header 'A ' is not a valid header name"},
        {": b\n", "header '' is not a valid header name"},
        {"A\n", "header 'A' is not a valid header name"},
        {"A: b", "header 'A' is not ended by a line break"},
        {"content-LENGTH: 3\n", "header 'content-LENGTH' is set from the body, it cannot be given"},
        {"Transfer-Encoding: chunked\n",
         "header 'Transfer-Encoding' is set from the body, it cannot be given"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aggr_failure why = {0};
        bool good = aggr_headers_check(cases[i].block, strlen(cases[i].block), &why);
        CHECK(good == (*cases[i].text == '\0'));
        CHECK(good || why.code == AGGR_ERR_USAGE);
        CHECK_STR(why.text, cases[i].text);
    }
    struct aggr_failure why = {0};
    CHECK(!aggr_headers_check("A: b\0c\n", 7, &why));
}

static void names_are_found_in_any_case(void)
{
    static const char block[] = "User-Agent: x\nX-User: y\n";
    CHECK(aggr_headers_have(block, strlen(block), "user-agent"));
    CHECK(aggr_headers_have(block, strlen(block), "x-user"));
    CHECK(!aggr_headers_have(block, strlen(block), "user"));
    CHECK(!aggr_headers_have(block, strlen(block), "x-users"));
}

static void basic_authentication_is_rfc_7617(void)
{
    static const char *const cases[][2] = {
        {"Aladdin:open sesame", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"},
        {"a:", "Authorization: Basic YTo=\n"},
        {"ab:", "Authorization: Basic YWI6\n"},
        {"a:\xc3\xa9", "Authorization: Basic YTrDqQ==\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aggr_buf out = {0};
        CHECK(aggr_headers_append_basic(&out, cases[i][0]) == AGGR_OK);
        CHECK(aggr_buf_append(&out, "", 1) == AGGR_OK);
        CHECK_STR(out.data, cases[i][1]);
        aggr_buf_deinit(&out);
    }
}

static void what_was_taught_is_bounded(void)
{
    struct aggr_taught taught;
    char name[32];
    aggr_taught_init(&taught);
    CHECK(aggr_taught_find(&taught, "a:80") == 0);
    aggr_taught_note(&taught, "a:80", 1);
    aggr_taught_note(&taught, "a:81", 2);
    aggr_taught_note(&taught, "a:80", 3);
    CHECK(aggr_taught_find(&taught, "a:80") == 3 && aggr_taught_find(&taught, "a:81") == 2);
    int dropped = 0;
    for (int i = 0; i < 2000; i++) {
        char *oldest = aggr_taught_drop(&taught);
        if (oldest && dropped++ == 0)
            CHECK_STR(oldest, "a:80");
        free(oldest);
        snprintf(name, sizeof name, "host%d:80", i);
        aggr_taught_note(&taught, name, (uint64_t)i + 10);
    }
    CHECK(dropped == 2002 - 512 && taught.names.len == 512);
    CHECK(aggr_taught_find(&taught, "a:80") == 0);
    CHECK(aggr_taught_find(&taught, "host1999:80") == 2009);
    aggr_taught_deinit(&taught);
}

int main(void)
{
    blocks_are_checked();
    names_are_found_in_any_case();
    basic_authentication_is_rfc_7617();
    what_was_taught_is_bounded();
    return check_report();
}
