/* URLs: what is taken apart, what is refused, where references lead (RFC 3986 §5.4 in full), what
 * is masked. */
#include "base/url.h"
#include "check.h"

static enum aggr_err parse(struct aggr_url *url, const char *text)
{
    return aggr_url_parse(url, text, strlen(text), NULL);
}

/* `text` parses and comes out as `expected`. */
static void becomes(const char *text, const char *expected)
{
    struct aggr_url url;
    CHECK(parse(&url, text) == AGGR_OK);
    CHECK_STR(url.text ? url.text : "(refused)", expected);
    aggr_url_deinit(&url);
}

static void refused(const char *text, size_t len, const char *because)
{
    struct aggr_url url;
    struct aggr_failure why = {0};
    CHECK(aggr_url_parse(&url, text, len, &why) == AGGR_ERR_USAGE);
    CHECK(why.code == AGGR_ERR_USAGE);
    if (!strstr(why.text, because))
        CHECK_STR(why.text, because);
    CHECK(url.text == NULL && url.host == NULL && url.origin == NULL && url.userinfo == NULL);
    aggr_url_deinit(&url);
}

static void parts_are_taken_apart(void)
{
    struct aggr_url url;
    CHECK(parse(&url, "HTTPS://Ada:s%65cret%3A@API.Test:8443/v1/a%2fb?q=1&q=2#part") == AGGR_OK);
    CHECK_STR(url.text, "https://api.test:8443/v1/a%2fb?q=1&q=2");
    CHECK_STR(url.scheme, "https");
    CHECK_STR(url.host, "api.test");
    CHECK_STR(url.target, "/v1/a%2fb?q=1&q=2");
    CHECK_STR(url.origin, "https://api.test:8443");
    CHECK_STR(url.userinfo, "Ada:secret:");
    CHECK(url.port == 8443 && url.https);
    aggr_url_deinit(&url);
    CHECK(parse(&url, "http://[0:0::00FF]?x") == AGGR_OK);
    CHECK_STR(url.text, "http://[::ff]/?x");
    CHECK_STR(url.host, "::ff");
    CHECK_STR(url.target, "/?x");
    CHECK_STR(url.origin, "http://[::ff]:80");
    CHECK(url.userinfo == NULL && url.port == 80 && !url.https);
    aggr_url_deinit(&url);
    aggr_url_deinit(&url);
}

static void urls_are_normalised(void)
{
    becomes("http://h", "http://h/");
    becomes("http://h:80/", "http://h/");
    becomes("http://h:/x", "http://h/x");
    becomes("http://h:0080/", "http://h/");
    becomes("https://h:443", "https://h/");
    becomes("https://h:80", "https://h:80/");
    becomes("http://h:65535/", "http://h:65535/");
    becomes("http://h#top", "http://h/");
    becomes("http://h/?#", "http://h/?");
    becomes("http://h/a?b?c/d:@", "http://h/a?b?c/d:@");
    becomes("http://h/a/./b/../c/%2e", "http://h/a/c/%2e");
    becomes("http://h/../../x", "http://h/x");
    becomes("http://h/x/..", "http://h/");
    becomes("http://h/a//../b", "http://h/a/b");
    becomes("http://h//", "http://h//");
    becomes("http://h/...", "http://h/...");
    becomes("http://h/?a=/../b", "http://h/?a=/../b");
    becomes("http://h/f[x]?a[]=1", "http://h/f[x]?a[]=1");
    becomes("http://h/\xc3\xa4?\xe2\x82\xac", "http://h/%C3%A4?%E2%82%AC");
    becomes("http://h/<a>\"{b}|\\^`", "http://h/%3Ca%3E%22%7Bb%7D%7C%5C%5E%60");
    becomes("http://h/100%", "http://h/100%");
    becomes("http://h./", "http://h./");
    becomes("http://under_score.test-x/", "http://under_score.test-x/");
    becomes("http://127.0.0.1:9000/", "http://127.0.0.1:9000/");
    becomes("http://[::FFFF:127.0.0.1]:8080/", "http://[::ffff:127.0.0.1]:8080/");
}

static void bad_urls_are_refused_with_a_reason(void)
{
    static const char *const BAD[][2] = {
        {"", "no scheme"},
        {"h/x", "no scheme"},
        {"//h/x", "no scheme"},
        {"/x", "no scheme"},
        {"api.test:8080/x", "no scheme"},
        {"localhost:8080/x", "no scheme"},
        {"mailto:a@b", "no scheme"},
        {"1http://h/", "no scheme"},
        {"ftp://h/", "scheme 'ftp' is not supported, only http and https"},
        {"file:///etc/passwd", "scheme 'file' is not supported"},
        {"javascript://h/%0aalert(1)", "scheme 'javascript' is not supported"},
        {"http:/h", "no // after the scheme"},
        {"http:h", "no // after the scheme"},
        {"http://", "no host"},
        {"http:///x", "no host"},
        {"http://?x", "no host"},
        {"http://:80/", "no host"},
        {"http://u:p@/", "no host"},
        {"http://u:p@:80/", "no host"},
        {"http://.h/", "empty label"},
        {"http://a..b/", "empty label"},
        {"http://h:80x/", "port is not a number"},
        {"http://h:-1/", "port is not a number"},
        {"http://h: 80/", "space"},
        {"http://h:0/", "port is 0"},
        {"http://h:65536/", "above 65535"},
        {"http://h:18446744073709551696/", "above 65535"},
        {"http://h:80:80/", "two colons"},
        {"http://::1/", "no host"},
        {"http://fe80::1/", "two colons"},
        {"http://[::1/", "no ]"},
        {"http://[::1]x/", "junk after"},
        {"http://[::1%25eth0]/", "not an IPv6"},
        {"http://[127.0.0.1]/", "not an IPv6"},
        {"http://[]/", "not an IPv6"},
        {"http://[::::::::::::::::::::::::::::::::::::::::::::::::::::]/", "not an IPv6"},
        {"http://h%41/", "a character in the host"},
        {"http://h,x/", "a character in the host"},
        {"http://a@b@c/", "second @"},
        {"http://good.test\\@evil.test/", "backslash"},
        {"http://h\\x/", "backslash"},
        {"http://u%4@h/", "%XX"},
        {"http://u%zz@h/", "%XX"},
        {"http://u%00:p@h/", "control character"},
        {"http://u%0d%0aX:p@h/", "control character"},
        {"http://h/a b", "space"},
        {" http://h/", "space"},
        {"http://h/\r\nHost: evil", "control character"},
        {"http://h/\t", "control character"},
        {"http://h\x7f/", "control character"},
        {"http://\xe2\x93\x9bocalhost/", "Punycode"},
        {"http://b\xc3\xbc"
         "cher.test/",
         "Punycode"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        refused(BAD[i][0], strlen(BAD[i][0]), BAD[i][1]);
    refused("http://h/\0x", 11, "control character");
}

static void lengths_are_bounded(void)
{
    static char text[AGGR_URL_MAX + 16];
    memset(text, 'a', sizeof text);
    memcpy(text, "http://", 7);
    refused(text, AGGR_URL_MAX + 1, "longer than 64 KiB");
    refused(text, 7 + AGGR_URL_HOST_MAX + 1, "longer than 254");
    memset(text + 8, '\xff', sizeof text - 8);
    text[8] = '/';
    struct aggr_url url;
    CHECK(aggr_url_parse(&url, text, AGGR_URL_MAX, NULL) == AGGR_OK);
    CHECK(strlen(url.target) == 1 + 3 * (AGGR_URL_MAX - 9));
    aggr_url_deinit(&url);
}

static void userinfo_always_has_a_colon(void)
{
    static const char *const CASES[][2] = {{"http://u@h/", "u:"},
                                           {"http://u:@h/", "u:"},
                                           {"http://:p@h/", ":p"},
                                           {"http://u:p:q@h/", "u:p:q"},
                                           {"http://u:p%40%2F@h/", "u:p@/"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct aggr_url url;
        CHECK(parse(&url, CASES[i][0]) == AGGR_OK);
        CHECK_STR(url.userinfo, CASES[i][1]);
        CHECK_STR(url.text, "http://h/");
        aggr_url_deinit(&url);
    }
    struct aggr_url url;
    CHECK(parse(&url, "http://@h/") == AGGR_OK);
    CHECK(url.userinfo == NULL);
    aggr_url_deinit(&url);
}

static void leads(const char *base_text, const char *reference, const char *expected)
{
    struct aggr_url base, out;
    CHECK(parse(&base, base_text) == AGGR_OK);
    enum aggr_err err = aggr_url_resolve(&out, &base, reference, strlen(reference), NULL);
    CHECK(err == AGGR_OK);
    if (err != AGGR_OK || strcmp(out.text, expected) != 0)
        fprintf(stderr, "reference <%s>\n", reference);
    CHECK_STR(out.text ? out.text : "(refused)", expected);
    aggr_url_deinit(&base);
    aggr_url_deinit(&out);
}

/* RFC 3986 §5.4.1 and §5.4.2, fragments dropped, and "/" for an empty path. */
static void references_resolve_as_the_rfc_lists_them(void)
{
    static const char *const NORMAL[][2] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g"},
        {"g#s/../x", "http://a/b/c/g"},
    };
    for (size_t i = 0; i < sizeof NORMAL / sizeof *NORMAL; i++)
        leads("http://a/b/c/d;p?q", NORMAL[i][0], NORMAL[i][1]);
}

static void redirects_lead_where_they_say(void)
{
    leads("https://h:8443/a", "/b c?d e", "https://h:8443/b%20c?d%20e");
    leads("https://[::1]:8443/a", "b", "https://[::1]:8443/b");
    leads("https://h/a", "http://h/a", "http://h/a");
    leads("http://h/a", "HTTPS://H2:8443", "https://h2:8443/");
    leads("https://h/a", "//h2/x", "https://h2/x");
    leads("http://h", "x", "http://h/x");
    leads("http://h?q", "", "http://h/?q");
    leads("http://h?q", "?", "http://h/?");
    leads("http://h/a:b", "./c:d", "http://h/c:d");
    leads("http://h/a/%2e%2e/b", "c", "http://h/a/%2e%2e/c");
}

static void stays(const char *reference, enum aggr_err expected)
{
    struct aggr_url base, out;
    struct aggr_failure why = {0};
    CHECK(parse(&base, "http://a/b") == AGGR_OK);
    enum aggr_err err = aggr_url_resolve(&out, &base, reference, strlen(reference), &why);
    if (err != expected)
        fprintf(stderr, "reference <%s>\n", reference);
    CHECK(err == expected && why.code == expected);
    CHECK(out.text == NULL);
    aggr_url_deinit(&base);
    aggr_url_deinit(&out);
}

static void hostile_references_are_refused(void)
{
    stays("g:h", AGGR_ERR_DENIED); /* RFC 3986 §5.4.1, the one with a scheme of its own */
    stays("file:///etc/passwd", AGGR_ERR_DENIED);
    stays("ftp://a/b", AGGR_ERR_DENIED);
    stays("javascript:alert(1)", AGGR_ERR_DENIED);
    stays("data:text/plain,x", AGGR_ERR_DENIED);
    stays("http:g", AGGR_ERR_PROTOCOL); /* §5.4.2: strict parsers do not take it as relative */
    stays("http://", AGGR_ERR_PROTOCOL);
    stays("//", AGGR_ERR_PROTOCOL);
    stays("///x", AGGR_ERR_PROTOCOL);
    stays("//a\\@b", AGGR_ERR_PROTOCOL);
    stays("//a b/", AGGR_ERR_PROTOCOL);
    stays("/x\r\nSet-Cookie: a=b", AGGR_ERR_PROTOCOL);
    stays("http://a:99999/", AGGR_ERR_PROTOCOL);
    stays("//[::1", AGGR_ERR_PROTOCOL);
}

static void userinfo_goes_with_the_authority_only(void)
{
    struct aggr_url base, out;
    CHECK(parse(&base, "http://u:p@a/b") == AGGR_OK);
    CHECK(aggr_url_resolve(&out, &base, "/c", 2, NULL) == AGGR_OK);
    CHECK(out.userinfo && strcmp(out.userinfo, "u:p") == 0);
    aggr_url_deinit(&out);
    CHECK(aggr_url_resolve(&out, &base, "//a/c", 5, NULL) == AGGR_OK);
    CHECK(out.userinfo == NULL && aggr_url_same_origin(&out, &base));
    aggr_url_deinit(&out);
    CHECK(aggr_url_resolve(&out, &base, "//x:y@b/", 8, NULL) == AGGR_OK);
    CHECK_STR(out.userinfo, "x:y");
    CHECK(!aggr_url_same_origin(&out, &base));
    aggr_url_deinit(&out);
    aggr_url_deinit(&base);
}

static void origins(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } CASES[] = {
        {"http://h/a", "http://H:80/b?c", true},        {"http://h/", "https://h/", false},
        {"https://h/", "https://h:8443/", false},       {"http://h/", "http://h2/", false},
        {"http://[::1]/", "http://[0:0::1]:80/", true}, {"http://h:443/", "https://h/", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct aggr_url a, b;
        CHECK(parse(&a, CASES[i].a) == AGGR_OK && parse(&b, CASES[i].b) == AGGR_OK);
        CHECK(aggr_url_same_origin(&a, &b) == CASES[i].same);
        aggr_url_deinit(&a);
        aggr_url_deinit(&b);
    }
}

static void passwords_are_masked(void)
{
    static const char *const CASES[][2] = {
        {"http://h/", "http://h/"},
        {"http://u:secret@h/", "http://u:***@h/"},
        {"https://u:se:cr@et@h:1/p?q=a@b", "https://u:***@h:1/p?q=a@b"},
        {"http://token@h/", "http://***@h/"},
        {"http://u:@h/", "http://u:***@h/"},
        {"http://:secret@h/", "http://:***@h/"},
        {"http://h/a@b:c", "http://h/a@b:c"},
        {"http://h:80/a@b", "http://h:80/a@b"},
        {"http://h?u:p@x", "http://h?u:p@x"},
        {"http://[::1]/a@b", "http://[::1]/a@b"},
        {"http://u:se/cret@h/", "http://u:***@h/"}, /* malformed, but still a password */
        {"http://u:se?cr#et@h/", "http://u:***@h/"},
        {"u:secret@h/", "u:***@h/"},
        {"//u:secret@h", "//u:***@h"},
        {"ftp://u:secret@h", "ftp://u:***@h"},
        {"", ""},
        {"@", "***@"},
        {"http://@", "http://***@"},
        {"no url at all", "no url at all"},
    };
    char out[100];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        size_t len = aggr_url_mask(out, sizeof out, CASES[i][0]);
        CHECK_STR(out, CASES[i][1]);
        CHECK(len == strlen(CASES[i][1]));
    }
    CHECK(aggr_url_mask(out, 5, "http://u:secret@h/") == 15);
    CHECK_STR(out, "http");
    CHECK(aggr_url_mask(NULL, 0, "http://u:secret@h/") == 15);
}

static void are_equal(const struct aggr_url *url, const struct aggr_url *expected)
{
    CHECK_STR(url->text ? url->text : "", expected->text ? expected->text : "");
    if (!url->text || !expected->text)
        return;
    CHECK_STR(url->host, expected->host);
    CHECK_STR(url->target, expected->target);
    CHECK_STR(url->origin, expected->origin);
    CHECK_STR(url->userinfo ? url->userinfo : "", expected->userinfo ? expected->userinfo : "");
    CHECK(url->port == expected->port && url->https == expected->https);
}

/* Whatever stood there before, and however long it was. */
static void parsed_again_they_are_as_new(void)
{
    static const char *const TEXTS[] = {
        "http://h",
        "http://h/",
        "http://h/a/../b?q#f",
        "http://h?x",
        "http://h//i/j",
        "http://h:80/a",
        "http://h:8080/a",
        "http://hh/a",
        "http://H/a",
        "https://h/a",
        "http://u:p@h/a",
        "http://[::1]/a b",
        "http://[::1]/a",
        "http://h/a{b}c\\d",
        "http://h/\n",
        "http://h/a?b=%20#/c",
        "http://h@i/secret",
        "http://h/@i",
        "nonsense",
        "http://h/#",
        "http://h/0123456789012345678901234567890123456789012345678901234567890123456789012345678"
        "90123456789012345678901234567890123456789012345678901234567890123456789?{}",
    };
    enum { COUNT = sizeof TEXTS / sizeof *TEXTS };
    for (size_t i = 0; i < COUNT * COUNT; i++) {
        const char *text = TEXTS[i % COUNT];
        struct aggr_url url, expected;
        parse(&url, TEXTS[i / COUNT]);
        parse(&expected, text);
        enum aggr_err err = aggr_url_parse_again(&url, text, strlen(text), NULL);
        CHECK(err == (expected.text ? AGGR_OK : AGGR_ERR_USAGE));
        are_equal(&url, &expected);
        aggr_url_deinit(&url);
        aggr_url_deinit(&expected);
    }
}

int main(void)
{
    parts_are_taken_apart();
    urls_are_normalised();
    bad_urls_are_refused_with_a_reason();
    lengths_are_bounded();
    userinfo_always_has_a_colon();
    references_resolve_as_the_rfc_lists_them();
    redirects_lead_where_they_say();
    hostile_references_are_refused();
    userinfo_goes_with_the_authority_only();
    origins();
    passwords_are_masked();
    parsed_again_they_are_as_new();
    return check_report();
}
