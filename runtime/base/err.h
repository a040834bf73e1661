/* err.h -- what can go wrong, and where in a request it did. Plain data. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

/* Kinds of failure. The first group is what scripts see as Error.kind, the second stays inside C.
 */
enum aggr_err {
    AGGR_OK = 0,
    AGGR_ERR_TIMEOUT,
    AGGR_ERR_DEADLINE,
    AGGR_ERR_DNS,
    AGGR_ERR_CONNECT,
    AGGR_ERR_TLS,
    AGGR_ERR_PROTOCOL,
    AGGR_ERR_TRUNCATED,
    AGGR_ERR_TOO_LARGE,
    AGGR_ERR_STATUS,
    AGGR_ERR_DECODE,
    AGGR_ERR_CANCELLED,
    AGGR_ERR_DENIED,
    AGGR_ERR_USAGE,
    AGGR_ERR_SCRIPT,
    AGGR_ERR_STALL,  /* a task kept the loop for too long */
    AGGR_ERR_MEMORY, /* an allocation sized by the outside world failed */
    AGGR_ERR_SYSTEM, /* a system call failed; the number travels beside it */
};

/* Where an exchange was when it ended. */
enum aggr_phase {
    AGGR_PHASE_QUEUE,
    AGGR_PHASE_DNS,
    AGGR_PHASE_CONNECT,
    AGGR_PHASE_TLS,
    AGGR_PHASE_WRITE,
    AGGR_PHASE_WAIT,
    AGGR_PHASE_BODY,
};

enum { AGGR_FAILURE_TEXT = 192 };

/* A failure with its cause in words, one line, no trailing newline. */
struct aggr_failure {
    enum aggr_err code;
    enum aggr_phase phase;
    char text[AGGR_FAILURE_TEXT];
};

/* "timeout" for AGGR_ERR_TIMEOUT, as Error.kind spells it. Static. */
const char *aggr_err_kind(enum aggr_err code);

/* "queue" for AGGR_PHASE_QUEUE, as Error.phase spells it. Static. */
const char *aggr_phase_name(enum aggr_phase phase);

/* Record `code` and a printf-style cause, unless a failure is recorded already (the first one
 * counts). */
void aggr_failure_set(struct aggr_failure *failure, enum aggr_err code, enum aggr_phase phase,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A state that cannot be: says where and ends the process with abort(3). Always on. */
#define AGGR_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            aggr_err_check_failed(__FILE__, __LINE__, #condition);                                 \
    } while (0)

_Noreturn void aggr_err_check_failed(const char *file, int line, const char *condition);
