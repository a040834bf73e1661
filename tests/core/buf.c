/* Buffers grow, and fail cleanly: realloc is wrapped by the linker and can be told to fail. */
#include "base/buf.h"
#include "check.h"
#include <stdint.h>

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static int calls_until_failure = -1; /* -1 = never */

void *__wrap_realloc(void *memory, size_t size)
{
    if (calls_until_failure >= 0 && calls_until_failure-- == 0)
        return NULL;
    return __real_realloc(memory, size);
}

static void appends_keep_every_byte(void)
{
    struct aggr_buf buf = {0};
    for (int i = 0; i < 100000; i++) {
        char byte = (char)(i * 7);
        if (aggr_buf_append(&buf, &byte, 1) != AGGR_OK)
            CHECK(!"append failed");
    }
    CHECK(buf.len == 100000 && buf.cap < 200000);
    int wrong = 0;
    for (int i = 0; i < 100000; i++)
        wrong += buf.data[i] != (char)(i * 7);
    CHECK(wrong == 0);
    size_t cap = buf.cap;
    aggr_buf_clear(&buf);
    CHECK(buf.len == 0 && buf.cap == cap);
    aggr_buf_deinit(&buf);
    CHECK(buf.data == NULL && buf.len == 0 && buf.cap == 0);
    aggr_buf_deinit(&buf);
}

static void appending_nothing_allocates_nothing(void)
{
    struct aggr_buf buf = {0};
    CHECK(aggr_buf_append(&buf, NULL, 0) == AGGR_OK);
    CHECK(aggr_buf_reserve(&buf, 0) == AGGR_OK);
    CHECK(buf.data == NULL);
}

static void impossible_sizes_are_refused(void)
{
    struct aggr_buf buf = {0};
    CHECK(aggr_buf_append(&buf, "abc", 3) == AGGR_OK);
    CHECK(aggr_buf_reserve(&buf, SIZE_MAX) == AGGR_ERR_MEMORY);
    CHECK(aggr_buf_reserve(&buf, SIZE_MAX / 2) == AGGR_ERR_MEMORY);
    CHECK(aggr_buf_reserve(&buf, SIZE_MAX - 2) == AGGR_ERR_MEMORY);
    CHECK(buf.len == 3 && memcmp(buf.data, "abc", 3) == 0);
    aggr_buf_deinit(&buf);
}

/* Fails each allocation in turn until a run finds none left to fail. */
static void failure_leaves_the_buffer_as_it_was(void)
{
    int failures = 0;
    for (int nth = 0;; nth++) {
        struct aggr_buf buf = {0};
        size_t appended = 0;
        enum aggr_err err = AGGR_OK;
        calls_until_failure = nth;
        while (err == AGGR_OK && appended < 10000) {
            err = aggr_buf_append(&buf, "0123456789", 10);
            appended += err == AGGR_OK ? 10 : 0;
        }
        calls_until_failure = -1;
        CHECK(buf.len == appended);
        CHECK(buf.len <= buf.cap);
        CHECK(appended == 0 || memcmp(buf.data + appended - 10, "0123456789", 10) == 0);
        if (err != AGGR_OK) {
            CHECK(err == AGGR_ERR_MEMORY);
            CHECK(aggr_buf_append(&buf, "more", 4) == AGGR_OK); /* and it can go on */
        }
        aggr_buf_deinit(&buf);
        if (err == AGGR_OK)
            break;
        failures++;
    }
    CHECK(failures > 3);
}

int main(void)
{
    appends_keep_every_byte();
    appending_nothing_allocates_nothing();
    impossible_sizes_are_refused();
    failure_leaves_the_buffer_as_it_was();
    return check_report();
}
