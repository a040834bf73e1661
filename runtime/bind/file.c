/* aggr.core.file -- files and stdin, read and written on offload threads.
 *
 *   read(path, max)   (waits) -> string | nil, message
 *   write(path, data) (waits) -> true | nil, message      replaced as a whole
 *   open(path)        (waits) -> reader | nil, message
 *   next(reader)      (waits) -> string | nil at the end | nil, message
 *   close(reader)
 *
 * "-" is stdin. A reader's descriptor is shared with a read under way: the last of the two closes
 * it.
 */
#include "bind/file.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bind/blocking.h"
#include "io/replace.h"
#include "io/runtime.h"
#include "task/state.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READER "aggr.core.reader"
enum { CHUNK = 256 * 1024 };

/* An open file, shared by a reader and the read under way. */
struct source {
    atomic_int refs;
    int fd;     /* owned, unless it is stdin */
    char *path; /* owned */
};

static struct source *source_open(const char *path, int *failed)
{
    int fd = STDIN_FILENO;
    struct stat status;
    if (strcmp(path, "-") != 0)
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    *failed = fd < 0 || fstat(fd, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
    if (*failed) {
        if (fd > STDIN_FILENO)
            close(fd);
        return NULL;
    }
    struct source *source = aggr_mem_new(1, sizeof *source);
    source->refs = 1;
    source->fd = fd;
    source->path = aggr_mem_strdup(path);
    return source;
}

static void source_release(struct source *source)
{
    if (!source || atomic_fetch_sub(&source->refs, 1) > 1)
        return;
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    free(source->path);
    free(source);
}

/* Bytes read, 0 at the end, or minus an errno. */
static ssize_t source_read(struct source *source, char *out, size_t len)
{
    for (;;) {
        ssize_t got = read(source->fd, out, len);
        if (got >= 0)
            return got;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd ready = {.fd = source->fd, .events = POLLIN};
            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

/* One call, on its way through a thread. */
struct request {
    char *path;            /* owned; read, write and open */
    struct aggr_buf data;  /* read: what came; write: what goes */
    size_t max_bytes;      /* read: the most that is taken */
    struct source *source; /* owned reference; open, next */
    int failed;            /* an errno */
    bool too_large;
};

static struct request *request_new(const char *path)
{
    struct request *request = aggr_mem_new(1, sizeof *request);
    request->path = path ? aggr_mem_strdup(path) : NULL;
    return request;
}

static void request_free(void *payload)
{
    struct request *request = payload;
    free(request->path);
    aggr_buf_deinit(&request->data);
    source_release(request->source);
    free(request);
}

static const char *shown(const struct request *request)
{
    const char *path = request->path ? request->path : request->source->path;
    return strcmp(path, "-") == 0 ? "stdin" : path;
}

static int push_failure(lua_State *L, const char *what, const struct request *request)
{
    lua_pushnil(L);
    if (request->failed == EBADF && strcmp(shown(request), "stdin") == 0)
        lua_pushstring(L, "cannot read stdin: it is closed");
    else
        lua_pushfstring(L, "cannot %s %s: %s", what, shown(request), strerror(request->failed));
    return 2;
}

static void run_read(void *payload)
{
    struct request *request = payload;
    request->source = source_open(request->path, &request->failed);
    ssize_t got = request->source != NULL;
    while (got > 0) {
        if (aggr_buf_reserve(&request->data, CHUNK) != AGGR_OK) {
            request->failed = ENOMEM;
            return;
        }
        got = source_read(request->source, request->data.data + request->data.len, CHUNK);
        if (got < 0)
            request->failed = (int)-got;
        else
            request->data.len += (size_t)got;
        if (request->data.len > request->max_bytes) {
            request->too_large = true;
            return;
        }
    }
}

static int push_read(void *payload, lua_State *L)
{
    struct request *request = payload;
    if (request->failed)
        return push_failure(L, "read", request);
    if (request->too_large) {
        lua_pushnil(L);
        lua_pushfstring(L, "cannot read %s: it is over %d bytes", shown(request),
                        (int)request->max_bytes);
        return 2;
    }
    lua_pushlstring(L, request->data.len ? request->data.data : "", request->data.len);
    return 1;
}

static void run_write(void *payload)
{
    struct request *request = payload;
    struct aggr_replace file;
    request->failed = aggr_replace_open(&file, request->path);
    if (request->failed)
        return;
    request->failed = aggr_replace_write(file.fd, request->data.data, request->data.len);
    if (request->failed)
        aggr_replace_discard(&file);
    else
        request->failed = aggr_replace_commit(&file);
}

static int push_write(void *payload, lua_State *L)
{
    struct request *request = payload;
    if (request->failed)
        return push_failure(L, "write", request);
    lua_pushboolean(L, 1);
    return 1;
}

struct reader {
    struct source *source; /* owned reference; NULL once closed */
};

static struct aggr_ledger *ledger_of(lua_State *L)
{
    return &aggr_state_runtime(L)->loop.ledger;
}

static void run_open(void *payload)
{
    struct request *request = payload;
    request->source = source_open(request->path, &request->failed);
}

static int push_open(void *payload, lua_State *L)
{
    struct request *request = payload;
    if (request->failed)
        return push_failure(L, "read", request);
    struct reader *reader = lua_newuserdata(L, sizeof *reader);
    reader->source = NULL;
    luaL_getmetatable(L, READER);
    lua_setmetatable(L, -2);
    reader->source = request->source;
    request->source = NULL;
    if (reader->source->fd > STDIN_FILENO)
        aggr_ledger_made(ledger_of(L), AGGR_LEDGER_DESCRIPTORS, (uintptr_t)reader->source->fd, 1,
                         "aggr.lines");
    return 1;
}

static void run_next(void *payload)
{
    struct request *request = payload;
    if (aggr_buf_reserve(&request->data, CHUNK) != AGGR_OK) {
        request->failed = ENOMEM;
        return;
    }
    ssize_t got = source_read(request->source, request->data.data, CHUNK);
    if (got < 0)
        request->failed = (int)-got;
    else
        request->data.len = (size_t)got;
}

static int push_next(void *payload, lua_State *L)
{
    struct request *request = payload;
    if (request->failed)
        return push_failure(L, "read", request);
    if (request->data.len == 0)
        return 0;
    lua_pushlstring(L, request->data.data, request->data.len);
    return 1;
}

static const struct aggr_blocking_ops read_ops = {"read", run_read, push_read, request_free};
static const struct aggr_blocking_ops write_ops = {"write", run_write, push_write, request_free};
static const struct aggr_blocking_ops open_ops = {"lines", run_open, push_open, request_free};
static const struct aggr_blocking_ops next_ops = {"lines", run_next, push_next, request_free};

static int l_read(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Number max_bytes = luaL_checknumber(L, 2);
    struct request *request = request_new(path);
    request->max_bytes = (size_t)max_bytes;
    return aggr_blocking_await(L, &read_ops, request);
}

static int l_write(lua_State *L)
{
    size_t len;
    const char *path = luaL_checkstring(L, 1), *data = luaL_checklstring(L, 2, &len);
    struct request *request = request_new(path);
    if (aggr_buf_append(&request->data, data, len) != AGGR_OK) {
        request_free(request);
        return luaL_error(L, "not enough memory");
    }
    return aggr_blocking_await(L, &write_ops, request);
}

static int l_open(lua_State *L)
{
    return aggr_blocking_await(L, &open_ops, request_new(luaL_checkstring(L, 1)));
}

static int l_next(lua_State *L)
{
    struct reader *reader = luaL_checkudata(L, 1, READER);
    if (!reader->source)
        return luaL_error(L, "the reader is closed");
    struct request *request = request_new(NULL);
    request->source = reader->source;
    atomic_fetch_add(&reader->source->refs, 1);
    return aggr_blocking_await(L, &next_ops, request);
}

static int l_close(lua_State *L)
{
    struct reader *reader = luaL_checkudata(L, 1, READER);
    if (reader->source && reader->source->fd > STDIN_FILENO)
        aggr_ledger_gone(ledger_of(L), AGGR_LEDGER_DESCRIPTORS, (uintptr_t)reader->source->fd, 1);
    source_release(reader->source);
    reader->source = NULL;
    return 0;
}

int aggr_bind_file(lua_State *L)
{
    static const luaL_Reg functions[] = {{"read", l_read}, {"write", l_write}, {"open", l_open},
                                         {"next", l_next}, {"close", l_close}, {NULL, NULL}};
    luaL_newmetatable(L, READER);
    lua_pushcfunction(L, l_close);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    lua_createtable(L, 0, sizeof functions / sizeof *functions);
    luaL_register(L, NULL, functions);
    return 1;
}
