#include "io/curl_api.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

enum { VERSION_LEAST = 0x075800 }; /* 7.88: CURLOPT_QUICK_EXIT and the rest we set */

struct aggr_curl_api aggr_curl_api;

/* Why it cannot be used, once it has been tried. */
static struct aggr_failure failed;

/* The text of the dynamic linker begins with the library's name. */
static void fail(const char *why)
{
    aggr_failure_set(&failed, AGGR_ERR_USAGE, AGGR_PHASE_QUEUE,
                     "cannot load libcurl (Debian package libcurl4): %s", why);
}

/* False: one is missing, see dlerror. */
static bool find_functions(void *library)
{
#define FIND(name)                                                                                 \
    if (!(aggr_curl_api.name = (__typeof__(aggr_curl_api.name))dlsym(library, "curl_" #name)))     \
        return false;
    AGGR_CURL_FUNCTIONS(FIND)
#undef FIND
    aggr_curl_api.ssl_get_shutdown = (int (*)(const void *))dlsym(library, "SSL_get_shutdown");
    return true;
}

static void check_version(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    char text[64];
    if (info->version_num >= VERSION_LEAST)
        return;
    snprintf(text, sizeof text, "it is %s, and 7.88 or newer is needed", info->version);
    fail(text);
}

static void load(void)
{
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (!library || !find_functions(library)) {
        fail(dlerror());
        return;
    }
    check_version();
    if (failed.code == AGGR_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        fail("it cannot be initialised");
}

enum aggr_err aggr_curl_api_load(struct aggr_failure *failure)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    AGGR_CHECK(pthread_once(&once, load) == 0);
    if (failed.code != AGGR_OK)
        *failure = failed;
    return failed.code;
}
