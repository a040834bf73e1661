#include "base/err.h"
#include <stdarg.h>

static const char *const KINDS[] = {
    [AGGR_OK] = "ok",
    [AGGR_ERR_TIMEOUT] = "timeout",
    [AGGR_ERR_DEADLINE] = "deadline",
    [AGGR_ERR_DNS] = "dns",
    [AGGR_ERR_CONNECT] = "connect",
    [AGGR_ERR_TLS] = "tls",
    [AGGR_ERR_PROTOCOL] = "protocol",
    [AGGR_ERR_TRUNCATED] = "truncated",
    [AGGR_ERR_TOO_LARGE] = "too_large",
    [AGGR_ERR_STATUS] = "status",
    [AGGR_ERR_DECODE] = "decode",
    [AGGR_ERR_CANCELLED] = "cancelled",
    [AGGR_ERR_DENIED] = "denied",
    [AGGR_ERR_USAGE] = "usage",
    [AGGR_ERR_SCRIPT] = "script",
    [AGGR_ERR_STALL] = "stall",
    [AGGR_ERR_MEMORY] = "memory",
    [AGGR_ERR_SYSTEM] = "system",
};

static const char *const PHASES[] = {
    [AGGR_PHASE_QUEUE] = "queue", [AGGR_PHASE_DNS] = "dns",     [AGGR_PHASE_CONNECT] = "connect",
    [AGGR_PHASE_TLS] = "tls",     [AGGR_PHASE_WRITE] = "write", [AGGR_PHASE_WAIT] = "wait",
    [AGGR_PHASE_BODY] = "body",
};

const char *aggr_err_kind(enum aggr_err code)
{
    AGGR_CHECK((unsigned)code < sizeof KINDS / sizeof *KINDS);
    return KINDS[code];
}

const char *aggr_phase_name(enum aggr_phase phase)
{
    AGGR_CHECK((unsigned)phase < sizeof PHASES / sizeof *PHASES);
    return PHASES[phase];
}

void aggr_failure_set(struct aggr_failure *failure, enum aggr_err code, enum aggr_phase phase,
                      const char *format, ...)
{
    if (!failure || failure->code != AGGR_OK)
        return;
    failure->code = code;
    failure->phase = phase;
    va_list args;
    va_start(args, format);
    vsnprintf(failure->text, sizeof failure->text, format, args);
    va_end(args);
    for (char *c = failure->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?'; /* one line, whatever the peer has put into it */
}

_Noreturn void aggr_err_check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: internal error: %s\n", file, line, condition);
    abort();
}
