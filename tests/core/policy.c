/* Connection policies: the environment's proxies, never for loopback; interning; fixed addresses.
 */
#include "io/policy.h"
#include "check.h"

static const char *const (*environment)[2];

static char *environment_get(const char *name)
{
    for (size_t i = 0; environment[i][0]; i++) {
        if (strcmp(environment[i][0], name) == 0)
            return (char *)environment[i][1];
    }
    return NULL;
}

/* "proxy:port" that a request for `url` goes through, "-" when it goes straight, or why it cannot
 * go. */
static const char *route_of(const struct aggr_policy_options *options, const char *url)
{
    static char text[AGGR_FAILURE_TEXT];
    struct aggr_failure why = {0};
    struct aggr_url parsed = {0};
    struct aggr_route route;
    struct aggr_policy_set *set = aggr_policy_set_new(environment_get);
    const struct aggr_policy *policy = aggr_policy_intern(set, options, &why);
    CHECK(policy != NULL);
    CHECK(aggr_url_parse(&parsed, url, strlen(url), &why) == AGGR_OK);
    if (aggr_policy_route(policy, &parsed, &route, &why))
        snprintf(text, sizeof text, "%s", why.text);
    else if (route.proxy)
        snprintf(text, sizeof text, "%s:%d", route.host, route.port);
    else
        strcpy(text, "-");
    aggr_url_deinit(&parsed);
    aggr_policy_set_free(set);
    return text;
}

static void the_environment_names_proxies(void)
{
    static const char *const all[][2] = {
        {"http_proxy", "web:3128"}, {"HTTPS_PROXY", "http://me:pw@tls/"}, {NULL, NULL}};
    static const char *const capitals[][2] = {{"HTTP_PROXY", "evil:1"}, {NULL, NULL}};
    static const char *const any[][2] = {{"ALL_PROXY", "socks5h://[::2]"}, {NULL, NULL}};
    static const char *const broken[][2] = {{"http_proxy", ""}, {NULL, NULL}};
    struct aggr_policy_options plain = {0};
    environment = all;
    CHECK_STR(route_of(&plain, "http://api.test/"), "web:3128");
    CHECK_STR(route_of(&plain, "https://api.test/"), "tls:80");
    environment = capitals; /* it could come from a header of a CGI request */
    CHECK_STR(route_of(&plain, "http://api.test/"), "-");
    environment = any;
    CHECK_STR(route_of(&plain, "http://api.test/"), "::2:1080");
    environment = broken;
    CHECK_STR(route_of(&plain, "http://api.test/"), "-");
}

static void a_variable_that_names_no_proxy_fails_what_would_use_it(void)
{
    static const char *const garbage[][2] = {
        {"http_proxy", "a b:3128"}, {"all_proxy", "ftp://old"}, {NULL, NULL}};
    struct aggr_policy_options plain = {0}, none = {.proxy = ""};
    environment = garbage;
    CHECK_STR(route_of(&plain, "http://api.test/"),
              "the environment's http_proxy: proxy: bad URL: it contains a space: write %20");
    CHECK_STR(route_of(&plain, "https://api.test/"),
              "the environment's all_proxy: a proxy must be an http, https or socks5h URL");
    CHECK_STR(route_of(&plain, "http://127.0.0.1/"), "-");
    CHECK_STR(route_of(&none, "http://api.test/"), "-");
}

static void loopback_never_goes_through_the_environments_proxy(void)
{
    static const char *const all[][2] = {{"all_proxy", "web:3128"}, {NULL, NULL}};
    static const char *const fixed[] = {"api.test", "127.0.0.1", NULL};
    static const char *const urls[] = {
        "http://127.0.0.1:9000/", "http://127.1.2.3/",          "http://localhost/",
        "http://LOCALHOST:1/",    "http://app.localhost/",      "https://[::1]/",
        "http://localhost./",     "http://[::ffff:127.0.0.1]/",
    };
    struct aggr_policy_options plain = {0}, resolved = {.resolve = fixed};
    struct aggr_policy_options given = {.proxy = "mine:8080"}, none = {.proxy = ""};
    environment = all;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        CHECK_STR(route_of(&plain, urls[i]), "-");
    CHECK_STR(route_of(&resolved, "http://api.test/"), "-");
    CHECK_STR(route_of(&plain, "http://notlocalhost/"), "web:3128");
    CHECK_STR(route_of(&given, "http://127.0.0.1/"), "mine:8080");
    CHECK_STR(route_of(&none, "http://api.test/"), "-");
}

static void no_proxy_covers_names_and_what_is_below(void)
{
    static const char *const some[][2] = {
        {"http_proxy", "web:1"}, {"no_proxy", "corp.test, .inner.test,10.0.0.1"}, {NULL, NULL}};
    static const char *const everything[][2] = {
        {"http_proxy", "web:1"}, {"NO_PROXY", "*"}, {NULL, NULL}};
    struct aggr_policy_options plain = {0};
    environment = some;
    CHECK_STR(route_of(&plain, "http://corp.test/"), "-");
    CHECK_STR(route_of(&plain, "http://a.CORP.test/"), "-");
    CHECK_STR(route_of(&plain, "http://a.inner.test/"), "-");
    CHECK_STR(route_of(&plain, "http://10.0.0.1/"), "-");
    CHECK_STR(route_of(&plain, "http://notcorp.test/"), "web:1");
    CHECK_STR(route_of(&plain, "http://10.0.0.11/"), "web:1");
    environment = everything;
    CHECK_STR(route_of(&plain, "http://api.test/"), "-");
}

static void equal_policies_are_one(void)
{
    static const char *const fixed[] = {"a", "127.0.0.1", NULL};
    struct aggr_policy_options options[] = {
        {0},
        {.http = AGGR_POLICY_HTTP_2},
        {.ca = "x"},
        {.cert = "x"},
        {.cert = "x", .key = "x"},
        {.insecure = true},
        {.server_name = "x"},
        {.proxy = "x"},
        {.proxy = ""},
        {.unix_socket = "x"},
        {.resolve = fixed},
    };
    enum { COUNT = sizeof options / sizeof *options };
    struct aggr_failure why = {0};
    struct aggr_policy_set *set = aggr_policy_set_new(NULL);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            const struct aggr_policy *policy = aggr_policy_intern(set, &options[i], &why);
            CHECK(policy && policy->id == i);
        }
    }
    aggr_policy_set_free(set);
}

static void what_cannot_be_is_refused(void)
{
    static const char *const named[] = {"a", "localhost", NULL};
    char path[200];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    struct aggr_policy_options options[] = {{.proxy = "ftp://x"},   {.proxy = "http://"},
                                            {.resolve = named},     {.unix_socket = path},
                                            {.server_name = "a:1"}, {.ca = "a\r\nb"}};
    struct aggr_policy_set *set = aggr_policy_set_new(NULL);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct aggr_failure why = {0};
        CHECK(aggr_policy_intern(set, &options[i], &why) == NULL);
        CHECK(why.code == AGGR_ERR_USAGE && why.text[0]);
    }
    aggr_policy_set_free(set);
}

int main(void)
{
    the_environment_names_proxies();
    a_variable_that_names_no_proxy_fails_what_would_use_it();
    loopback_never_goes_through_the_environments_proxy();
    no_proxy_covers_names_and_what_is_below();
    equal_policies_are_one();
    what_cannot_be_is_refused();
    return check_report();
}
