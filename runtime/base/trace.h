/* trace.h -- one function that may watch what the runtime does. NULL for now; replay and the guard
 * hang here. */
#pragma once
#include <stdint.h>

enum aggr_trace_event {
    AGGR_TRACE_TASK_ENTER,
    AGGR_TRACE_TASK_LEAVE,
    AGGR_TRACE_TASK_END,
    AGGR_TRACE_SCOPE_OPEN,
    AGGR_TRACE_SCOPE_CLOSE,
    AGGR_TRACE_EXCHANGE_START,
    AGGR_TRACE_EXCHANGE_END,
};

struct aggr_trace {
    void (*on_event)(struct aggr_trace *self, enum aggr_trace_event event, uint64_t id);
};

static inline void aggr_trace_emit(struct aggr_trace *trace, enum aggr_trace_event event,
                                   uint64_t id)
{
    if (trace)
        trace->on_event(trace, event, id);
}
