/* coding.h -- one content coding (RFC 9110 §8.4.1) as a stream decoder; io/decoder chains them.
 *
 * A stream owns its library state; it borrows input and output for the length of one step.
 *
 *   open -> step* (until END; `restart` for the next member) -> close
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum aggr_coding_result {
    AGGR_CODING_MORE,    /* wants more input or more room */
    AGGR_CODING_END,     /* the stream (or this member of it) is complete and checked */
    AGGR_CODING_CORRUPT, /* see why */
    AGGR_CODING_MEMORY,
};

/* One step's input and output; both are moved on as they are used. */
struct aggr_coding_io {
    const char *in;
    size_t in_len;
    char *out;
    size_t out_len;
    const char *why; /* static text, set with AGGR_CODING_CORRUPT */
};

struct aggr_coding {
    const char *name;    /* as Content-Encoding spells it */
    void *(*open)(void); /* NULL: no memory */
    enum aggr_coding_result (*step)(void *stream, struct aggr_coding_io *io);
    /* The input goes on with `first` after END: ready for another member. NULL when the coding has
     * none; false when `first` cannot begin one. */
    bool (*restart)(void *stream, unsigned char first);
    void (*close)(void *stream);
};

extern const struct aggr_coding aggr_coding_gzip, aggr_coding_deflate, aggr_coding_brotli,
    aggr_coding_zstd;
