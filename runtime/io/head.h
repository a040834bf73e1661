/* head.h -- the head of a final response: its status line, its fields, and what they say of the
 * body. Used by io/response and io/http1_reader. Functions without state; reentrant.
 */
#pragma once
#include "io/response.h"

/* What the fields have said of the body. */
struct aggr_head {
    bool has_length, is_chunked, is_coded;
    uint64_t length;
};

enum { AGGR_HEAD_INTERIM_MAX = 64 }; /* interim responses before a final one */

/* Parses the whole of `bytes` into response->status, ->http and ->head. False: see
 * response->failure. */
bool aggr_head_parse(struct aggr_response *response, const char *bytes, size_t len,
                     struct aggr_head *head);

/* Whether all of `bytes` is the sound head of an interim response. Nothing of it is kept. */
bool aggr_head_interim(const char *bytes, size_t len, struct aggr_failure *failure);

/* Records a failure of kind `code` in phase wait; returns false. */
bool aggr_head_fail(struct aggr_response *response, enum aggr_err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
