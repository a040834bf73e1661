/* child.h -- programs that run beside us, each in a process group of its own.
 *
 * Owns what the kernel has of them: every process is reaped, and what is left of its group when it
 * ends, in whatever way, is killed (SIGKILL). Pipes are ours, so that the program can open
 * /dev/stdout. A limited number runs at a time; the others queue, first come, first served.
 *
 *   new -> start -> (queued) -> running -> on_end -> free       start -> cancel -> free
 *
 * Everything but aggr_children_kill is for the loop's thread.
 */
#pragma once
#include "base/buf.h"
#include "base/list.h"
#include "io/loop.h"
#include <stdatomic.h>

enum { AGGR_CHILDREN_MAX = 64 };

/* All of a runtime. */
struct aggr_children {
    struct aggr_loop *loop; /* borrowed */
    unsigned most, running;
    struct aggr_list waiting;             /* queued */
    struct aggr_list alive;               /* started, not reaped */
    atomic_int groups[AGGR_CHILDREN_MAX]; /* ids of the groups there are; 0 = free */
};

/* `most` run at a time, no more than AGGR_CHILDREN_MAX. */
void aggr_children_init(struct aggr_children *children, struct aggr_loop *loop, unsigned most);

/* No child may be queued or running; those that were cancelled are reaped. */
void aggr_children_deinit(struct aggr_children *children);

/* Kills all groups. From any thread and from signal handlers, when the process ends next. */
void aggr_children_kill(struct aggr_children *children);

enum aggr_child_end {
    AGGR_CHILD_EXITED,    /* by itself: code or signal */
    AGGR_CHILD_TIMED_OUT, /* killed */
    AGGR_CHILD_TOO_LARGE, /* killed: an output was over max_output_bytes */
    AGGR_CHILD_FAILED,    /* not started, or its output could not be read: failed */
};

/* stdin, stdout, stderr of a child: our ends. */
struct aggr_child_stream {
    struct aggr_watch watch;
    struct aggr_child *child;
    int fd;                /* owned; -1 = closed */
    struct aggr_buf bytes; /* what is still to be written; what was read */
    size_t written;        /* of it */
};

struct aggr_child {
    /* set between new and start; strings are owned, lists end with NULL */
    char **args; /* the first is the program, looked for in PATH */
    char **env;  /* "NAME=value"; NULL: ours */
    char *cwd;   /* NULL: ours */
    uint64_t max_output_bytes, timeout_ns;
    void (*on_end)(struct aggr_child *child, void *owner);
    void *owner;
    /* read from on_end on */
    enum aggr_child_end end;
    int failed;       /* an errno */
    int code, signal; /* signal 0: it has exited */
    int large;        /* 1 or 2: the stream that was over max_output_bytes */
    uint64_t elapsed_ns;
    struct aggr_child_stream streams[3]; /* the input goes into streams[0].bytes before start */
    /* private from here */
    struct aggr_children *children;
    struct aggr_list link; /* in waiting or alive */
    uv_process_t process;
    struct aggr_timer timer; /* the time-out, then the grace of what holds the pipes open */
    uint64_t begun_ns;
    int state, slot, handles;
    bool reaped, alone, released;
};

struct aggr_child *aggr_child_new(struct aggr_children *children);

/* on_end comes once, perhaps at once. */
void aggr_child_start(struct aggr_child *child);

/* Started, not ended: off the loop and killed when this returns; on_end does not come. */
void aggr_child_cancel(struct aggr_child *child);

/* In any state but started. What the kernel has of it is still seen to. */
void aggr_child_free(struct aggr_child *child);
