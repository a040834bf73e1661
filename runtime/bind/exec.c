/* aggr.core.exec -- programs that run beside the loop.
 *
 *   run(args, environment | nil, cwd | nil, stdin | nil, timeout | false, max_output)   (waits)
 *     -> { ok =, code =, signal =, stdout =, stderr =, elapsed = }, "exited" | "timeout" |
 *        "too_large" | "failed", why
 *                      args and environment ("NAME=value") are lists of strings; why is the
 *                      stream's name after too_large, the system's words after failed
 *   environment() -> { "NAME=value", ... }
 */
#include "bind/exec.h"

#include "base/mem.h"
#include "io/child.h"
#include "io/runtime.h"
#include "task/state.h"
#include "task/wait.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct exec {
    struct aggr_wait wait;
    struct aggr_child *child; /* owned */
};

static void on_end(struct aggr_child *child, void *owner)
{
    struct exec *self = owner;
    (void)child;
    aggr_wait_done(&self->wait);
}

static void exec_start(struct aggr_wait *wait)
{
    aggr_child_start(((struct exec *)wait)->child);
}

static void exec_cancel(struct aggr_wait *wait)
{
    aggr_child_cancel(((struct exec *)wait)->child);
}

static void exec_free(struct aggr_wait *wait)
{
    struct exec *self = (struct exec *)wait;
    aggr_child_free(self->child);
    free(self);
}

static void push_stream(lua_State *L, const struct aggr_child *child, int index, const char *name)
{
    const struct aggr_buf *bytes = &child->streams[index].bytes;
    lua_pushlstring(L, bytes->len ? bytes->data : "", bytes->len);
    lua_setfield(L, -2, name);
}

static void push_signal(lua_State *L, int signal)
{
    const char *name = sigabbrev_np(signal);
    if (name)
        lua_pushfstring(L, "SIG%s", name);
    else
        lua_pushfstring(L, "signal %d", signal);
}

static void push_result(lua_State *L, const struct aggr_child *child)
{
    bool exited = child->end == AGGR_CHILD_EXITED;
    lua_createtable(L, 0, 6);
    push_stream(L, child, 1, "stdout");
    push_stream(L, child, 2, "stderr");
    lua_pushnumber(L, (lua_Number)child->elapsed_ns / (lua_Number)AGGR_NS_PER_S);
    lua_setfield(L, -2, "elapsed");
    lua_pushboolean(L, exited && child->signal == 0 && child->code == 0);
    lua_setfield(L, -2, "ok");
    if (exited && child->signal) {
        push_signal(L, child->signal);
        lua_setfield(L, -2, "signal");
    } else if (exited) {
        lua_pushinteger(L, child->code);
        lua_setfield(L, -2, "code");
    }
}

/* The same errno stands for a program and a folder that are not there. */
static void push_failure(lua_State *L, const struct aggr_child *child)
{
    struct stat status;
    const char *name = child->args[0], *why = strerror(child->failed);
    bool bad_cwd = child->cwd && (stat(child->cwd, &status) != 0 || !S_ISDIR(status.st_mode) ||
                                  access(child->cwd, X_OK) != 0);
    if (bad_cwd)
        lua_pushfstring(L, "cannot run '%s' in %s: %s", name, child->cwd, why);
    else if (child->failed == ENOENT && !strchr(name, '/'))
        lua_pushfstring(L, "cannot run '%s': no such program in PATH", name);
    else
        lua_pushfstring(L, "cannot run '%s': %s", name, why);
}

static int exec_take(struct aggr_wait *wait, lua_State *L)
{
    static const char *const names[] = {
        [AGGR_CHILD_EXITED] = "exited",
        [AGGR_CHILD_TIMED_OUT] = "timeout",
        [AGGR_CHILD_TOO_LARGE] = "too_large",
        [AGGR_CHILD_FAILED] = "failed",
    };
    const struct aggr_child *child = ((struct exec *)wait)->child;
    push_result(L, child);
    lua_pushstring(L, names[child->end]);
    if (child->end == AGGR_CHILD_TOO_LARGE)
        lua_pushstring(L, child->large == 1 ? "stdout" : "stderr");
    else if (child->end == AGGR_CHILD_FAILED)
        push_failure(L, child);
    else
        lua_pushnil(L);
    return 3;
}

static const struct aggr_wait_ops exec_ops = {
    .name = "exec",
    .start = exec_start,
    .cancel = exec_cancel,
    .take = exec_take,
    .free = exec_free,
};

static void check_words(lua_State *L, int index)
{
    luaL_checktype(L, index, LUA_TTABLE);
    int count = (int)lua_objlen(L, index);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, index, i);
        luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, index, "a list of strings");
        lua_pop(L, 1);
    }
}

/* A copy of a list that check_words has passed. */
static char **copy_words(lua_State *L, int index)
{
    int count = (int)lua_objlen(L, index);
    char **words = aggr_mem_new((size_t)count + 1, sizeof *words);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, index, i + 1);
        words[i] = aggr_mem_strdup(lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    return words;
}

static int l_run(lua_State *L)
{
    size_t input_len = 0;
    check_words(L, 1);
    luaL_argcheck(L, lua_objlen(L, 1) > 0, 1, "a program");
    if (!lua_isnil(L, 2))
        check_words(L, 2);
    const char *cwd = luaL_optstring(L, 3, NULL);
    const char *input = luaL_optlstring(L, 4, NULL, &input_len);
    bool has_timeout = lua_type(L, 5) == LUA_TNUMBER;
    double max_output = luaL_checknumber(L, 6);
    luaL_checkstack(L, 1, NULL);
    struct aggr_child *child = aggr_child_new(&aggr_state_runtime(L)->children);
    if (aggr_buf_append(&child->streams[0].bytes, input, input_len) != AGGR_OK) {
        aggr_child_free(child);
        return luaL_error(L, "not enough memory");
    }
    child->args = copy_words(L, 1);
    child->env = lua_isnil(L, 2) ? NULL : copy_words(L, 2);
    child->cwd = cwd ? aggr_mem_strdup(cwd) : NULL;
    child->timeout_ns = has_timeout ? aggr_clock_after(0, lua_tonumber(L, 5)) : AGGR_NEVER;
    child->max_output_bytes = (uint64_t)max_output;
    struct exec *self = aggr_mem_new(1, sizeof *self);
    self->wait.ops = &exec_ops;
    self->child = child;
    child->on_end = on_end;
    child->owner = self;
    return aggr_task_await(L, &self->wait);
}

static int l_environment(lua_State *L)
{
    lua_newtable(L);
    for (int i = 0; environ && environ[i]; i++) {
        lua_pushstring(L, environ[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

int aggr_bind_exec(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"run", l_run}, {"environment", l_environment}, {NULL, NULL}};
    lua_createtable(L, 0, sizeof functions / sizeof *functions);
    luaL_register(L, NULL, functions);
    return 1;
}
