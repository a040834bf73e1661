/* workload.c -- see workload.h. */
#include "workload.h"
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int luaopen_cjson(lua_State *L);

static const char *const request = "local get, decode, url = ...\n"
                                   "return function() return decode(get(url)) end";

static lua_State *L; /* at index 1: what each coroutine runs */
static const char *program, *url;
static long total, concurrency, started, ended, ok;
static double warm_at_us;

_Noreturn void workload_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", program, what);
    exit(1);
}

static int l_get(lua_State *co)
{
    return lua_yield(co, 0);
}

static void open_lua(void)
{
    L = luaL_newstate();
    if (!L || luaL_loadstring(L, request) != 0)
        workload_die("no Lua");
    lua_pushcfunction(L, l_get);
    lua_pushcfunction(L, luaopen_cjson);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "decode");
    lua_remove(L, -2);
    lua_pushstring(L, url);
    lua_call(L, 3, 1);
}

void workload_open(int argc, char **argv)
{
    program = argv[0];
    if (argc != 4)
        workload_die("usage: URL TOTAL CONCURRENCY");
    url = argv[1];
    total = atol(argv[2]);
    concurrency = atol(argv[3]);
    open_lua();
}

const char *workload_url(void)
{
    return url;
}

long workload_concurrency(void)
{
    return concurrency;
}

bool workload_begin(struct workload_call *call)
{
    if (started == total)
        return false;
    started++;
    call->co = lua_newthread(L);
    call->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, 1);
    lua_xmove(L, call->co, 1);
    if (lua_resume(call->co, 0) != LUA_YIELD)
        workload_die(lua_tostring(call->co, -1));
    return true;
}

static double cpu_us(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

void workload_answer(struct workload_call *call, bool good, const char *body, size_t len)
{
    if (good) {
        lua_pushlstring(call->co, body, len);
        ok += lua_resume(call->co, 1) == 0;
    }
    luaL_unref(L, LUA_REGISTRYINDEX, call->anchor);
    if (++ended == concurrency)
        warm_at_us = cpu_us();
}

bool workload_runs(void)
{
    return ended < total;
}

int workload_close(void)
{
    long rest = total > concurrency ? total - concurrency : 1;
    printf("warm_us=%.2f ok=%ld\n", (cpu_us() - warm_at_us) / (double)rest, ok);
    return ok == total ? 0 : 1;
}
