#include "io/child.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* GRACE: how long somebody may hold the pipes after the program itself has ended. */
enum { READ_BYTES = 64 * 1024, GRACE_MS = 1000, REAP_MS = 1000 };

enum state { PREPARED, QUEUED, RUNNING, OVER };

static void admit(struct aggr_children *children);

void aggr_children_init(struct aggr_children *children, struct aggr_loop *loop, unsigned most)
{
    *children = (struct aggr_children){.loop = loop, .most = most};
    if (most > AGGR_CHILDREN_MAX)
        children->most = AGGR_CHILDREN_MAX;
    aggr_list_init(&children->waiting);
    aggr_list_init(&children->alive);
}

void aggr_children_kill(struct aggr_children *children)
{
    for (int i = 0; i < AGGR_CHILDREN_MAX; i++) {
        int group = atomic_load(&children->groups[i]);
        if (group > 0)
            kill(-group, SIGKILL);
    }
}

static void free_words(char **words)
{
    for (char **at = words; at && *at; at++)
        free(*at);
    free(words);
}

/* Frees it once nobody needs it: neither its owner nor uv. */
static void let_go(struct aggr_child *child)
{
    if (child->released && child->handles == 0)
        free(child);
}

static void on_process_closed(uv_handle_t *handle)
{
    struct aggr_child *child = AGGR_LIST_ENTRY((uv_process_t *)handle, struct aggr_child, process);
    child->handles--;
    let_go(child);
}

static void on_stream_closed(struct aggr_watch *watch)
{
    struct aggr_child *child = AGGR_LIST_ENTRY(watch, struct aggr_child_stream, watch)->child;
    child->handles--;
    let_go(child);
}

static void close_stream(struct aggr_child_stream *stream)
{
    if (stream->fd < 0)
        return;
    aggr_watch_close(&stream->watch);
    close(stream->fd);
    stream->fd = -1;
}

static void kill_group(struct aggr_child *child)
{
    if (!child->alone)
        kill(-child->process.pid, SIGKILL);
}

/* Ended for us and for the kernel: another one may run. */
static void retire(struct aggr_child *child)
{
    struct aggr_children *children = child->children;
    atomic_store(&children->groups[child->slot], 0);
    aggr_list_remove(&child->link);
    children->running--;
    admit(children);
}

static void leave_loop(struct aggr_child *child)
{
    struct aggr_loop *loop = child->children->loop;
    aggr_timer_stop(&loop->timers, &child->timer);
    for (int i = 0; i < 3; i++)
        close_stream(&child->streams[i]);
    child->elapsed_ns = aggr_loop_now(loop) - child->begun_ns;
    child->state = OVER;
    loop->in_flight--;
}

static void stop(struct aggr_child *child)
{
    kill_group(child);
    leave_loop(child);
    if (child->reaped)
        retire(child);
}

static void finish(struct aggr_child *child, enum aggr_child_end end)
{
    child->end = end;
    stop(child);
    child->on_end(child, child->owner);
}

static void finish_if_complete(struct aggr_child *child)
{
    if (child->reaped && child->streams[1].fd < 0 && child->streams[2].fd < 0)
        finish(child, AGGR_CHILD_EXITED);
}

static void on_due(struct aggr_timer *timer)
{
    struct aggr_child *child = AGGR_LIST_ENTRY(timer, struct aggr_child, timer);
    finish(child, child->reaped ? AGGR_CHILD_EXITED : AGGR_CHILD_TIMED_OUT);
}

static void set_timer(struct aggr_child *child, uint64_t after_ns)
{
    struct aggr_loop *loop = child->children->loop;
    uint64_t now_ns = aggr_loop_now(loop);
    uint64_t due_ns = after_ns < AGGR_NEVER - now_ns ? now_ns + after_ns : AGGR_NEVER;
    aggr_timer_start(&loop->timers, &child->timer, due_ns);
}

/* The process is a zombie no more. While its group has members the id is nobody else's. */
static void on_process_exit(uv_process_t *process, int64_t code, int signal)
{
    struct aggr_child *child = AGGR_LIST_ENTRY(process, struct aggr_child, process);
    child->reaped = true;
    child->alone = kill(-process->pid, 0) != 0 && errno == ESRCH;
    uv_close((uv_handle_t *)process, on_process_closed);
    if (child->state == OVER) {
        retire(child);
        return;
    }
    child->code = (int)code;
    child->signal = signal;
    set_timer(child, GRACE_MS * AGGR_NS_PER_MS);
    finish_if_complete(child);
}

/* What has come, appended: 0 at the end or an error, which is the same for a pipe. */
static ssize_t read_some(struct aggr_child_stream *stream)
{
    ssize_t got;
    do
        got = read(stream->fd, stream->bytes.data + stream->bytes.len, READ_BYTES);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        stream->bytes.len += (size_t)got;
    return got < 0 && errno == EAGAIN ? 1 : got;
}

static void on_output(struct aggr_watch *watch, int events, bool failed)
{
    struct aggr_child_stream *stream = AGGR_LIST_ENTRY(watch, struct aggr_child_stream, watch);
    struct aggr_child *child = stream->child;
    (void)events;
    if (aggr_buf_reserve(&stream->bytes, READ_BYTES) != AGGR_OK) {
        child->failed = ENOMEM;
        finish(child, AGGR_CHILD_FAILED);
        return;
    }
    ssize_t got = read_some(stream);
    if (stream->bytes.len > child->max_output_bytes) {
        stream->bytes.len = child->max_output_bytes;
        child->large = (int)(stream - child->streams);
        finish(child, AGGR_CHILD_TOO_LARGE);
    } else if (got <= 0 || failed) {
        close_stream(stream);
        finish_if_complete(child);
    }
}

/* A program need not read its input to the end. */
static void on_input(struct aggr_watch *watch, int events, bool failed)
{
    struct aggr_child_stream *stream = AGGR_LIST_ENTRY(watch, struct aggr_child_stream, watch);
    (void)events;
    ssize_t sent = failed ? -1
                          : write(stream->fd, stream->bytes.data + stream->written,
                                  stream->bytes.len - stream->written);
    if (sent > 0)
        stream->written += (size_t)sent;
    bool gone = failed || (sent < 0 && errno != EAGAIN && errno != EINTR);
    if (gone || stream->written == stream->bytes.len)
        close_stream(stream);
}

/* A pipe to or from the child: our end is watched, the other one given back. Minus an errno on
 * failure. */
static int open_stream(struct aggr_child_stream *stream, bool is_input)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    stream->fd = ends[is_input];
    if (aggr_watch_init(stream->child->children->loop, &stream->watch, stream->fd) != AGGR_OK) {
        close(ends[0]);
        close(ends[1]);
        stream->fd = -1;
        return -ENOMEM;
    }
    stream->child->handles++;
    stream->watch.on_event = is_input ? on_input : on_output;
    stream->watch.on_closed = on_stream_closed;
    return ends[!is_input];
}

/* The child's ends of all three, in `theirs`. Without input stdin is /dev/null. */
static int open_streams(struct aggr_child *child, uv_stdio_container_t *theirs)
{
    for (int i = 0; i < 3; i++) {
        theirs[i] = (uv_stdio_container_t){.flags = UV_IGNORE};
        if (i == 0 && child->streams[0].bytes.len == 0)
            continue;
        int fd = open_stream(&child->streams[i], i == 0);
        if (fd < 0)
            return -fd;
        theirs[i].flags = UV_INHERIT_FD;
        theirs[i].data.fd = fd;
    }
    return 0;
}

static int take_slot(struct aggr_children *children, int group)
{
    int slot = 0;
    while (atomic_load(&children->groups[slot]) != 0)
        slot++;
    atomic_store(&children->groups[slot], group);
    return slot;
}

/* An errno. What others have opened without O_CLOEXEC, a script's own files above all, is not for
 * the program either. */
static int spawn(struct aggr_child *child, uv_stdio_container_t *theirs)
{
    uv_process_options_t options = {
        .exit_cb = on_process_exit,
        .file = child->args[0],
        .args = child->args,
        .env = child->env,
        .cwd = child->cwd,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = theirs,
    };
    (void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    child->handles++;
    int rc = uv_spawn(&child->children->loop->uv, &child->process, &options);
    if (rc != 0)
        uv_close((uv_handle_t *)&child->process, on_process_closed);
    return -rc;
}

static int open_and_spawn(struct aggr_child *child)
{
    uv_stdio_container_t theirs[3] = {{0}};
    int failed = open_streams(child, theirs);
    if (!failed)
        failed = spawn(child, theirs);
    for (int i = 0; i < 3; i++)
        if (theirs[i].flags == UV_INHERIT_FD)
            close(theirs[i].data.fd);
    return failed;
}

static void run(struct aggr_child *child)
{
    struct aggr_children *children = child->children;
    child->begun_ns = aggr_loop_now(children->loop);
    child->failed = open_and_spawn(child);
    if (child->failed) {
        child->end = AGGR_CHILD_FAILED;
        leave_loop(child);
        child->on_end(child, child->owner);
        return;
    }
    child->state = RUNNING;
    child->slot = take_slot(children, child->process.pid);
    children->running++;
    aggr_list_push(&children->alive, &child->link);
    set_timer(child, child->timeout_ns);
    if (child->streams[0].fd >= 0)
        aggr_watch_set(&child->streams[0].watch, UV_WRITABLE);
    aggr_watch_set(&child->streams[1].watch, UV_READABLE);
    aggr_watch_set(&child->streams[2].watch, UV_READABLE);
}

static void admit(struct aggr_children *children)
{
    while (children->running < children->most && !aggr_list_empty(&children->waiting))
        run(AGGR_LIST_ENTRY(aggr_list_shift(&children->waiting), struct aggr_child, link));
}

struct aggr_child *aggr_child_new(struct aggr_children *children)
{
    struct aggr_child *child = aggr_mem_new(1, sizeof *child);
    child->children = children;
    child->timeout_ns = AGGR_NEVER;
    child->timer.rank = AGGR_TIMER_PLAIN;
    child->timer.on_due = on_due;
    aggr_list_init(&child->link);
    for (int i = 0; i < 3; i++) {
        child->streams[i].child = child;
        child->streams[i].fd = -1;
    }
    return child;
}

void aggr_child_start(struct aggr_child *child)
{
    struct aggr_children *children = child->children;
    child->state = QUEUED;
    children->loop->in_flight++;
    aggr_list_push(&children->waiting, &child->link);
    admit(children);
}

void aggr_child_cancel(struct aggr_child *child)
{
    if (child->state == RUNNING) {
        stop(child);
        return;
    }
    aggr_list_remove(&child->link);
    leave_loop(child);
}

void aggr_child_free(struct aggr_child *child)
{
    free_words(child->args);
    free_words(child->env);
    free(child->cwd);
    for (int i = 0; i < 3; i++)
        aggr_buf_deinit(&child->streams[i].bytes);
    child->released = true;
    let_go(child);
}

/* A killed process is gone within a millisecond, unless the kernel itself holds it. */
static void reap(struct aggr_child *child)
{
    static const struct timespec pause = {.tv_nsec = AGGR_NS_PER_MS};
    for (int ms = 0; ms < REAP_MS && waitpid(child->process.pid, NULL, WNOHANG) == 0; ms++)
        nanosleep(&pause, NULL);
    uv_close((uv_handle_t *)&child->process, on_process_closed);
}

void aggr_children_deinit(struct aggr_children *children)
{
    AGGR_CHECK(aggr_list_empty(&children->waiting));
    struct aggr_list *node;
    while ((node = aggr_list_shift(&children->alive)))
        reap(AGGR_LIST_ENTRY(node, struct aggr_child, link));
}
