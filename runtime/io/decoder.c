#include "io/decoder.h"
#include "io/coding.h"
#include "io/field.h"
#include <inttypes.h>

enum { SCRATCH_BYTES = 16 * 1024, BETWEEN_SLACK_BYTES = 64 * 1024 };

struct stage {
    const struct aggr_coding *coding;
    void *stream;       /* owned */
    bool ended;         /* a member is complete, and no other has begun */
    bool later_member;  /* the second or a later one */
    uint64_t out_bytes; /* that it has made */
};

struct aggr_decoder {
    size_t count;
    struct stage stages[AGGR_DECODER_CODINGS_MAX]; /* in the order they are taken off */
    uint64_t max_body_bytes;
};

const struct aggr_coding *aggr_decoder_coding(const char *name, size_t len)
{
    static const struct {
        const char *name;
        const struct aggr_coding *coding;
    } table[] = {
        {"gzip", &aggr_coding_gzip},       {"x-gzip", &aggr_coding_gzip},
        {"deflate", &aggr_coding_deflate}, {"br", &aggr_coding_brotli},
        {"zstd", &aggr_coding_zstd},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (aggr_field_is(name, len, table[i].name))
            return table[i].coding;
    return NULL;
}

struct aggr_decoder *aggr_decoder_new(const struct aggr_coding *const *codings, size_t count,
                                      uint64_t max_body_bytes)
{
    AGGR_CHECK(count >= 1 && count <= AGGR_DECODER_CODINGS_MAX);
    struct aggr_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return NULL;
    decoder->max_body_bytes = max_body_bytes;
    for (; decoder->count < count; decoder->count++) {
        struct stage *stage = &decoder->stages[decoder->count];
        stage->coding = codings[count - 1 - decoder->count];
        stage->stream = stage->coding->open();
        if (!stage->stream) {
            aggr_decoder_free(decoder);
            return NULL;
        }
    }
    return decoder;
}

void aggr_decoder_free(struct aggr_decoder *decoder)
{
    if (!decoder)
        return;
    for (size_t i = 0; i < decoder->count; i++)
        decoder->stages[i].coding->close(decoder->stages[i].stream);
    free(decoder);
}

bool aggr_decoder_append(struct aggr_buf *body, uint64_t max_bytes, const char *bytes, size_t len,
                         struct aggr_failure *why)
{
    if (len > max_bytes - body->len) {
        aggr_failure_set(why, AGGR_ERR_TOO_LARGE, AGGR_PHASE_BODY,
                         "the body is larger than %" PRIu64 " bytes", max_bytes);
        return false;
    }
    if (aggr_buf_append(body, bytes, len) != AGGR_OK) {
        aggr_failure_set(why, AGGR_ERR_MEMORY, AGGR_PHASE_BODY, "no memory for the body");
        return false;
    }
    return true;
}

/* What comes out between two codings never grows past what a sound body of the largest size could
 * need: a bomb that decodes to gigabytes of nothing is stopped. */
static bool count_between(struct aggr_decoder *decoder, struct stage *stage, size_t made,
                          struct aggr_failure *why)
{
    uint64_t max = decoder->max_body_bytes;
    stage->out_bytes += made;
    if (stage->out_bytes <= BETWEEN_SLACK_BYTES || stage->out_bytes - BETWEEN_SLACK_BYTES <= max)
        return true;
    aggr_failure_set(why, AGGR_ERR_TOO_LARGE, AGGR_PHASE_BODY,
                     "the body is larger than %" PRIu64 " bytes inside its %s coding", max,
                     stage->coding->name);
    return false;
}

static bool fail_step(struct stage *stage, enum aggr_coding_result result, const char *cause,
                      struct aggr_failure *why)
{
    const char *name = stage->coding->name;
    if (result == AGGR_CODING_MEMORY)
        aggr_failure_set(why, AGGR_ERR_MEMORY, AGGR_PHASE_BODY, "no memory to decode %s", name);
    else if (stage->later_member)
        aggr_failure_set(why, AGGR_ERR_PROTOCOL, AGGR_PHASE_BODY,
                         "corrupt %s body after its first member: %s", name, cause);
    else
        aggr_failure_set(why, AGGR_ERR_PROTOCOL, AGGR_PHASE_BODY, "corrupt %s body: %s", name,
                         cause);
    return false;
}

/* More bytes follow a complete member. */
static bool begin_member(struct stage *stage, unsigned char first, struct aggr_failure *why)
{
    const struct aggr_coding *coding = stage->coding;
    if (!coding->restart || !coding->restart(stage->stream, first)) {
        aggr_failure_set(why, AGGR_ERR_PROTOCOL, AGGR_PHASE_BODY,
                         "bytes after the end of the %s body", coding->name);
        return false;
    }
    stage->ended = false;
    stage->later_member = true;
    return true;
}

static bool feed(struct aggr_decoder *decoder, size_t at, struct aggr_coding_io *io,
                 struct aggr_buf *body, struct aggr_failure *why);

/* Hands what stage `at` has made to the next one, or to the body. */
static bool pass_on(struct aggr_decoder *decoder, size_t at, const char *bytes, size_t len,
                    struct aggr_buf *body, struct aggr_failure *why)
{
    if (len == 0)
        return true;
    if (at + 1 == decoder->count)
        return aggr_decoder_append(body, decoder->max_body_bytes, bytes, len, why);
    struct aggr_coding_io io = {.in = bytes, .in_len = len};
    return count_between(decoder, &decoder->stages[at], len, why) &&
           feed(decoder, at + 1, &io, body, why);
}

static bool feed(struct aggr_decoder *decoder, size_t at, struct aggr_coding_io *io,
                 struct aggr_buf *body, struct aggr_failure *why)
{
    struct stage *stage = &decoder->stages[at];
    char scratch[SCRATCH_BYTES];
    bool full = false; /* the last step filled the scratch: there may be more to come */
    while (io->in_len > 0 || full) {
        if (stage->ended && !begin_member(stage, (unsigned char)*io->in, why))
            return false;
        io->out = scratch;
        io->out_len = sizeof scratch;
        size_t before = io->in_len;
        enum aggr_coding_result result = stage->coding->step(stage->stream, io);
        AGGR_CHECK(result > AGGR_CODING_END || full || io->in_len < before ||
                   io->out_len < sizeof scratch);
        if (!pass_on(decoder, at, scratch, sizeof scratch - io->out_len, body, why))
            return false;
        if (result != AGGR_CODING_MORE && result != AGGR_CODING_END)
            return fail_step(stage, result, io->why, why);
        stage->ended = result == AGGR_CODING_END;
        full = io->out_len == 0 && !stage->ended;
    }
    return true;
}

bool aggr_decoder_data(struct aggr_decoder *decoder, const char *bytes, size_t len,
                       struct aggr_buf *body, struct aggr_failure *why)
{
    struct aggr_coding_io io = {.in = bytes, .in_len = len};
    return feed(decoder, 0, &io, body, why);
}

bool aggr_decoder_finish(struct aggr_decoder *decoder, struct aggr_failure *why)
{
    for (size_t i = 0; i < decoder->count; i++) {
        if (decoder->stages[i].ended)
            continue;
        aggr_failure_set(why, AGGR_ERR_TRUNCATED, AGGR_PHASE_BODY,
                         "the body ends inside its %s coding", decoder->stages[i].coding->name);
        return false;
    }
    return true;
}
