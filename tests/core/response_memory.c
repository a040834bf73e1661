/* Every allocation of a response fails in turn: kind memory, nothing leaked, nothing torn. */
#include "check.h"
#include "coded.h"
#include "io/response.h"
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
int main(void)
{
    CHECK(1); /* the sanitizer has its own malloc */
    return check_report();
}
#else

/* glibc's own, under the names it exports for such stand-ins. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *block);

static volatile bool counting;
static volatile long until_failure,
    living; /* volatile: the compiler believes that malloc leaves them alone */

static bool fails(void)
{
    return counting && --until_failure == 0;
}

static void *count(void *block)
{
    if (counting && block)
        living++;
    return block;
}

void *malloc(size_t size)
{
    return fails() ? NULL : count(__libc_malloc(size));
}

void *calloc(size_t times, size_t size)
{
    return fails() ? NULL : count(__libc_calloc(times, size));
}

void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    return old ? __libc_realloc(old, size) : count(__libc_realloc(old, size));
}

void free(void *block)
{
    if (counting && block)
        living--;
    __libc_free(block);
}

static struct aggr_failure exchange(const char *head, const struct aggr_buf *body)
{
    struct aggr_response response;
    aggr_response_init(&response, false, 1 << 20);
    bool ok = aggr_response_head(&response, head, strlen(head));
    for (size_t at = 0; ok && at < body->len; at += 64)
        ok = aggr_response_data(&response, body->data + at,
                                body->len - at < 64 ? body->len - at : 64);
    aggr_response_finish(&response);
    struct aggr_failure why = response.failure;
    aggr_response_deinit(&response);
    return why;
}

/* Returns how many allocations were made to fail. */
static long fail_each(const char *head, const struct aggr_buf *body)
{
    for (long nth = 1;; nth++) {
        until_failure = nth;
        living = 0;
        counting = true;
        struct aggr_failure why = exchange(head, body);
        counting = false;
        CHECK(living == 0);
        if (until_failure > 0) {
            CHECK(why.code == AGGR_OK);
            return nth - 1;
        }
        CHECK(why.code == AGGR_ERR_MEMORY);
        CHECK(strncmp(why.text, "no memory ", 10) == 0);
        if (why.code != AGGR_ERR_MEMORY)
            fprintf(stderr, "  %s, allocation %ld: %s\n", head, nth, why.text);
    }
}

/* Not under valgrind, which puts in its own malloc. */
static bool stands_in(void)
{
    counting = true;
    void *volatile block = malloc(1);
    counting = false;
    bool counted = living == 1;
    free(block);
    return counted;
}

int main(void)
{
    static char text[5000];
    CHECK(true);
    if (!stands_in())
        return check_report();
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * i % 23);
    struct aggr_buf gzip = coded_gzip(text, sizeof text), brotli = coded_brotli(text, sizeof text),
                    zstd = coded_zstd(text, sizeof text), plain = {text, sizeof text, 0};
    struct aggr_buf twice = coded_gzip(brotli.data, brotli.len), chunks = {0};
    static const char chunked[] = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
    aggr_buf_append(&chunks, chunked, sizeof chunked - 1);

    CHECK(fail_each("HTTP/1.1 200 OK\r\n\r\n", &plain) > 2);
    CHECK(fail_each("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", &plain) == 2);
    CHECK(fail_each("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunks) == 3);
    CHECK(fail_each("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", &gzip) > 3);
    CHECK(fail_each("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", &brotli) > 5);
    CHECK(fail_each("HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n", &zstd) > 3);
    CHECK(fail_each("HTTP/1.1 200 OK\r\nContent-Encoding: br, gzip\r\n\r\n", &twice) > 8);
    aggr_buf_deinit(&gzip);
    aggr_buf_deinit(&brotli);
    aggr_buf_deinit(&zstd);
    aggr_buf_deinit(&twice);
    aggr_buf_deinit(&chunks);
    return check_report();
}
#endif
