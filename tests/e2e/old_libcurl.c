/* A libcurl.so.4 that has whatever aggr asks of it, but is too old. */
#include "io/curl_api.h"

static curl_version_info_data old = {.version = "7.74.0", .version_num = 0x074a00};

/* Only curl_version_info is called, the others have to be there. */
#define STUB(name)                                                                                 \
    void *old_##name(void) __asm__("curl_" #name);                                                 \
    void *old_##name(void)                                                                         \
    {                                                                                              \
        return &old;                                                                               \
    }
AGGR_CURL_FUNCTIONS(STUB)
