/* aggr.core.out -- what the run prints: a queue of bytes with one write under way in a thread, so
 * that a slow pipe never holds up the loop.
 *
 *   open(path)    (waits) -> true | nil, message     print to a file from now on (--out)
 *   write(bytes)  -> bytes queued                    never waits
 *   drain(limit)  (waits) until no more than `limit` bytes are queued, or printing has failed
 *   failure()     -> nil | "closed" | message        "closed": whoever reads stdout has gone
 *   finish(whole) (waits) -> path | nil, message     closes the file: replaces the target, or
 *                                                    leaves <target>.partial, whose path it gives;
 *                                                    path is nil when there is no file
 *
 * The queue is a userdata that the module's functions share; it borrows the runtime's offload.
 */
#include "bind/out.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "bind/blocking.h"
#include "io/offload.h"
#include "io/replace.h"
#include "io/runtime.h"
#include "task/state.h"
#include "task/wait.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

struct write_job;

struct out {
    struct aggr_offload *offload; /* borrowed */
    struct aggr_replace file;     /* owned; fd -1 while printing goes to stdout */
    struct aggr_buf queued;       /* not handed to a thread yet */
    struct write_job *writing;    /* under way; owned by offload */
    size_t writing_bytes;
    pthread_mutex_t lock;     /* of all above, for rescue; what runs on the loop is alone */
    struct aggr_list waiters; /* struct drain, in order */
    int failed;               /* first errno; what is queued after it is dropped */
};

struct write_job {
    struct aggr_job job;
    struct out *out; /* touched on the loop only */
    int fd;
    struct aggr_buf bytes; /* owned */
    int failed;
    atomic_bool ended; /* its thread has written what it could */
};

struct drain {
    struct aggr_wait wait;
    struct aggr_list link;
    struct out *out;
    size_t limit;
};

static void write_some(struct out *out);

static size_t pending(const struct out *out)
{
    return out->failed ? 0 : out->queued.len + out->writing_bytes;
}

static void wake_waiters(struct out *out)
{
    struct aggr_list still;
    aggr_list_init(&still);
    struct aggr_list *node;
    while ((node = aggr_list_shift(&out->waiters))) {
        struct drain *drain = AGGR_LIST_ENTRY(node, struct drain, link);
        if (pending(out) <= drain->limit)
            aggr_wait_done(&drain->wait);
        else
            aggr_list_push(&still, node);
    }
    aggr_list_splice(&out->waiters, &still);
}

static void write_run(struct aggr_job *job)
{
    struct write_job *self = (struct write_job *)job;
    self->failed = aggr_replace_write(self->fd, self->bytes.data, self->bytes.len);
    atomic_store(&self->ended, true);
}

static void write_done(struct aggr_job *job)
{
    struct write_job *self = (struct write_job *)job;
    struct out *out = self->out;
    pthread_mutex_lock(&out->lock);
    out->writing = NULL;
    out->writing_bytes = 0;
    if (self->failed && !out->failed)
        out->failed = self->failed;
    pthread_mutex_unlock(&out->lock);
    write_some(out);
    wake_waiters(out);
}

static void write_destroy(struct aggr_job *job)
{
    struct write_job *self = (struct write_job *)job;
    aggr_buf_deinit(&self->bytes);
    free(self);
}

/* Hands what is queued to a thread, unless one is at it. */
static void write_some(struct out *out)
{
    if (out->writing || out->queued.len == 0)
        return;
    if (out->failed) {
        aggr_buf_clear(&out->queued);
        return;
    }
    pthread_mutex_lock(&out->lock);
    struct write_job *self = aggr_mem_new(1, sizeof *self);
    *self = (struct write_job){
        .job = {.run = write_run, .on_done = write_done, .destroy = write_destroy},
        .out = out,
        .fd = out->file.fd >= 0 ? out->file.fd : STDOUT_FILENO,
        .bytes = out->queued};
    out->queued = (struct aggr_buf){0};
    out->writing_bytes = self->bytes.len;
    out->writing = self;
    pthread_mutex_unlock(&out->lock);
    if (aggr_offload_submit(out->offload, &self->job) == AGGR_OK)
        return;
    write_run(&self->job); /* no thread to be had: slow, but not lost */
    write_done(&self->job);
    write_destroy(&self->job);
}

static struct out *out_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static int l_write(lua_State *L)
{
    struct out *out = out_of(L);
    size_t len;
    const char *bytes = luaL_checklstring(L, 1, &len);
    pthread_mutex_lock(&out->lock);
    bool kept = out->failed || aggr_buf_append(&out->queued, bytes, len) == AGGR_OK;
    pthread_mutex_unlock(&out->lock);
    if (!kept)
        return luaL_error(L, "not enough memory to print %d bytes", (int)len);
    write_some(out);
    lua_pushnumber(L, (lua_Number)pending(out));
    return 1;
}

static void drain_start(struct aggr_wait *wait)
{
    struct drain *self = (struct drain *)wait;
    if (pending(self->out) <= self->limit)
        aggr_wait_done(wait);
    else
        aggr_list_push(&self->out->waiters, &self->link);
}

static void drain_cancel(struct aggr_wait *wait)
{
    aggr_list_remove(&((struct drain *)wait)->link);
}

static int drain_take(struct aggr_wait *wait, lua_State *L)
{
    (void)wait;
    (void)L;
    return 0;
}

static void drain_free(struct aggr_wait *wait)
{
    free(wait);
}

static int l_drain(lua_State *L)
{
    static const struct aggr_wait_ops ops = {"output", drain_start, drain_cancel, drain_take,
                                             drain_free};
    lua_Number limit = luaL_checknumber(L, 1);
    struct drain *drain = aggr_mem_new(1, sizeof *drain);
    *drain = (struct drain){.wait = {.ops = &ops}, .out = out_of(L), .limit = (size_t)limit};
    aggr_list_init(&drain->link);
    return aggr_task_await(L, &drain->wait);
}

static int l_failure(lua_State *L)
{
    struct out *out = out_of(L);
    if (!out->failed)
        return 0;
    lua_pushstring(L, out->failed == EPIPE ? "closed" : strerror(out->failed));
    return 1;
}

/* Opening or closing the file of --out, on its way through a thread. */
struct change {
    struct out *out; /* touched on the loop only; lives as long as the state */
    struct aggr_replace file;
    char *path;
    bool whole;
    int failed;
};

static void change_free(void *payload)
{
    struct change *change = payload;
    aggr_replace_discard(&change->file);
    free(change->path);
    free(change);
}

static void run_open(void *payload)
{
    struct change *change = payload;
    change->failed = aggr_replace_open(&change->file, change->path);
}

static int push_failure(lua_State *L, const char *path, int failed)
{
    lua_pushnil(L);
    lua_pushfstring(L, "cannot write %s: %s", path, strerror(failed));
    return 2;
}

static int push_open(void *payload, lua_State *L)
{
    struct change *change = payload;
    if (change->failed)
        return push_failure(L, change->path, change->failed);
    change->out->file = change->file;
    change->file = (struct aggr_replace){.fd = -1};
    lua_pushboolean(L, 1);
    return 1;
}

static int l_open(lua_State *L)
{
    static const struct aggr_blocking_ops ops = {"output", run_open, push_open, change_free};
    const char *path = luaL_checkstring(L, 1);
    struct change *change = aggr_mem_new(1, sizeof *change);
    *change = (struct change){.out = out_of(L), .file = {.fd = -1}, .path = aggr_mem_strdup(path)};
    return aggr_blocking_await(L, &ops, change);
}

static void run_finish(void *payload)
{
    struct change *change = payload;
    change->failed =
        change->whole ? aggr_replace_commit(&change->file) : aggr_replace_keep(&change->file);
}

static int push_finish(void *payload, lua_State *L)
{
    struct change *change = payload;
    if (change->failed)
        return push_failure(L, change->path, change->failed);
    lua_pushstring(L, change->path);
    return 1;
}

static int l_finish(lua_State *L)
{
    static const struct aggr_blocking_ops ops = {"output", run_finish, push_finish, change_free};
    struct out *out = out_of(L);
    luaL_checktype(L, 1, LUA_TBOOLEAN);
    struct change *change = aggr_mem_new(1, sizeof *change);
    *change = (struct change){.out = out, .file = out->file, .whole = lua_toboolean(L, 1)};
    const char *suffix = change->whole || !out->file.temp ? "" : ".partial";
    const char *target = out->file.target ? out->file.target : "stdout";
    change->path = aggr_mem_new(strlen(target) + strlen(suffix) + 1, 1);
    strcat(strcpy(change->path, target), suffix);
    out->file = (struct aggr_replace){.fd = -1};
    return aggr_blocking_await(L, &ops, change);
}

static double seconds_left(uint64_t until_ns)
{
    uint64_t now_ns = aggr_clock_system.monotonic_ns(&aggr_clock_system);
    return now_ns < until_ns ? (double)(until_ns - now_ns) / (double)AGGR_NS_PER_S : 0;
}

/* As much as whoever reads takes in time. */
static void write_until(int fd, const char *bytes, size_t len, uint64_t until_ns)
{
    while (len > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        int wait_ms = (int)(seconds_left(until_ns) * 1000);
        if (poll(&ready, 1, wait_ms) != 1 || !(ready.revents & POLLOUT))
            return;
        ssize_t written = write(fd, bytes, len < PIPE_BUF ? len : PIPE_BUF); /* does not block */
        if (written < 0)
            return;
        bytes += written;
        len -= (size_t)written;
    }
}

void aggr_bind_out_rescue(lua_State *L)
{
    static const uint64_t patience_ns = 2 * AGGR_NS_PER_S;
    struct out *out = aggr_state_of(L)->out;
    if (!out)
        return;
    uint64_t until_ns = aggr_clock_system.monotonic_ns(&aggr_clock_system) + patience_ns;
    pthread_mutex_lock(&out->lock); /* for good: the loop gets no further */
    while (out->writing && !atomic_load(&out->writing->ended) && seconds_left(until_ns) > 0)
        usleep(1000);
    bool orderly = !out->failed && (!out->writing || atomic_load(&out->writing->ended));
    if (orderly)
        write_until(out->file.fd >= 0 ? out->file.fd : STDOUT_FILENO, out->queued.data,
                    out->queued.len, until_ns);
    if (out->file.fd >= 0)
        aggr_replace_keep(&out->file);
}

static int out_gc(lua_State *L)
{
    struct out *out = lua_touserdata(L, 1);
    aggr_state_of(L)->out = NULL;
    if (out->writing)
        aggr_offload_abandon(&out->writing->job);
    out->writing = NULL;
    aggr_buf_deinit(&out->queued);
    aggr_replace_discard(&out->file);
    pthread_mutex_destroy(&out->lock);
    return 0;
}

int aggr_bind_out(lua_State *L)
{
    static const luaL_Reg functions[] = {{"open", l_open},     {"write", l_write},
                                         {"drain", l_drain},   {"failure", l_failure},
                                         {"finish", l_finish}, {NULL, NULL}};
    lua_createtable(L, 0, sizeof functions / sizeof *functions);
    struct out *out = lua_newuserdata(L, sizeof *out);
    *out = (struct out){.offload = aggr_state_runtime(L)->offload, .file = {.fd = -1}};
    aggr_list_init(&out->waiters);
    pthread_mutex_init(&out->lock, NULL);
    aggr_state_of(L)->out = out;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, out_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    for (const luaL_Reg *function = functions; function->name; function++) {
        lua_pushvalue(L, -1);
        lua_pushcclosure(L, function->func, 1);
        lua_setfield(L, -3, function->name);
    }
    lua_pop(L, 1);
    return 1;
}
