/* span.h -- a borrowed piece of text that need not end in NUL. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct aggr_span {
    const char *at;
    size_t len;
};

/* Cuts `len` bytes off the front of `rest` and returns them. */
static inline struct aggr_span aggr_span_cut(struct aggr_span *rest, size_t len)
{
    struct aggr_span front = {rest->at, len};
    rest->at += len;
    rest->len -= len;
    return front;
}

/* How many bytes stand before the first of `stops`. */
static inline size_t aggr_span_until(struct aggr_span text, const char *stops)
{
    for (; *stops; stops++) { /* one to three of them */
        const char *at = text.len ? memchr(text.at, *stops, text.len) : NULL;
        if (at)
            text.len = (size_t)(at - text.at);
    }
    return text.len;
}

/* Equal to `word` but for the case of ASCII letters. */
static inline bool aggr_span_is(struct aggr_span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}
