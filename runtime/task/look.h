/* look.h -- where is the running task? Asked by the watchdog's thread, answered by the loop's.
 *
 * A first signal sets a hook, which answers at the next instruction, compiled or not. While a C
 * function runs (os.execute, a pattern, a sort) it does not fire, and the line it finds afterwards
 * is the next one: so after a signal in a C function, the function is to be seen from within, by a
 * second signal, or else the hook watches for a while which line the time goes to.
 *
 *   open -> (ask -> signal* -> answered)*, and forget when the slice has ended
 */
#pragma once
#include "task/place.h"
#include "task/slice.h"
#include "task/vmstate.h"

struct aggr_sched;

enum { AGGR_LOOK_TALLIES = 8 };

struct aggr_look {
    struct aggr_sched *sched; /* borrowed */
    struct aggr_vmstate vm;
    _Atomic uint64_t asked;    /* number of the question */
    _Atomic uint64_t answered; /* of the last one that `place` is the answer to */
    struct aggr_place place;   /* where "" when there is no line of a script on the stack */
    bool in_lua;               /* Lua code was running when the question came */
    /* the loop's thread alone: */
    uint64_t taken;          /* the question that is being answered */
    struct aggr_look_trail { /* what the last signal has seen */
        unsigned fired;      /* hooks (task/interrupt.h) */
        uint64_t cpu_ns;     /* of this thread */
        long waits;          /* of this thread, for anything but the CPU */
    } before;
    bool doubtful;               /* the hook may fire behind the line that took the time */
    uint64_t watched_ns, due_ns; /* the hook has seen the last instruction; it gives up watching */
    struct aggr_tally {
        struct aggr_place place;
        uint64_t spent_ns;
    } tallies[AGGR_LOOK_TALLIES];
    int tally_count, tally_last;
};

void aggr_look_open(struct aggr_look *look, struct aggr_sched *sched);

/* On the watchdog's thread: a question; then a signal, and more of them until it is answered. */
void aggr_look_ask(struct aggr_look *look);
bool aggr_look_answered(struct aggr_look *look);

/* In the handler of a signal on the loop's thread, while a task runs. */
void aggr_look_on_signal(struct aggr_look *look);

/* In a signal handler: a C function is running that a script has called last of all ("return
 * io.read()"). What it gives would go straight into the library. */
bool aggr_look_is_tail_call(const struct aggr_look *look);

/* At the end of a slice that was asked about: no hook is left. */
void aggr_look_forget(struct aggr_look *look);
