/* check.h -- the whole C test framework: CHECK counts and names what failed, check_report ends
 * main. */
#pragma once
#include <stdio.h>
#include <string.h>

static int check_passed, check_failed;

#define CHECK(condition)                                                                           \
    ((condition)                                                                                   \
         ? (void)check_passed++                                                                    \
         : (void)(check_failed++, fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition)))

#define CHECK_STR(actual, expected)                                                                \
    (strcmp((actual), (expected)) == 0                                                             \
         ? (void)check_passed++                                                                    \
         : (void)(check_failed++, fprintf(stderr, "%s:%d: got \"%s\", expected \"%s\"\n",          \
                                          __FILE__, __LINE__, (actual), (expected))))

/* "return check_report();" ends main. */
static inline int check_report(void)
{
    printf("%d passed, %d failed\n", check_passed, check_failed);
    return check_failed != 0 || check_passed == 0;
}
