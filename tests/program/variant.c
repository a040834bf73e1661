/* variant.c -- the unusual ways to run LuaJIT that the tests ask for, put between a program and
 * aggr_vm_new by the linker (--wrap), so that the release binary has no such door.
 *
 * Environment: AGGR_TEST_JIT=off (interpreter only) or hot (compiles whatever runs twice),
 * AGGR_TEST_GC=1 (the collector never rests). AGGR_TEST_LEAKS=1 gives scripts the means to leave
 * things behind (leaks.h).
 */
#include "base/err.h"
#include "leaks.h"
#include "vm/vm.h"
#include <lauxlib.h>
#include <luajit.h>
#include <stdlib.h>
#include <string.h>

struct aggr_vm *__real_aggr_vm_new(struct aggr_runtime *runtime, const struct aggr_vm_module *extra,
                                   struct aggr_failure *why);
struct aggr_vm *__wrap_aggr_vm_new(struct aggr_runtime *runtime, const struct aggr_vm_module *extra,
                                   struct aggr_failure *why);

static void make_hot(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, -1, "jit.opt");
    AGGR_CHECK(lua_istable(L, -1));
    lua_getfield(L, -1, "start");
    lua_pushliteral(L, "hotloop=1");
    lua_pushliteral(L, "hotexit=1");
    AGGR_CHECK(lua_pcall(L, 2, 0, 0) == 0);
    lua_pop(L, 2);
}

struct aggr_vm *__wrap_aggr_vm_new(struct aggr_runtime *runtime, const struct aggr_vm_module *extra,
                                   struct aggr_failure *why)
{
    enum { WORK_PER_BYTE = 3000 }; /* in percent of what is allocated */
    struct aggr_vm *vm = __real_aggr_vm_new(runtime, extra, why);
    const char *jit = getenv("AGGR_TEST_JIT"), *gc = getenv("AGGR_TEST_GC");
    if (!vm)
        return NULL;
    lua_State *L = aggr_vm_lua(vm);
    if (jit && strcmp(jit, "off") == 0)
        luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    else if (jit && strcmp(jit, "hot") == 0)
        make_hot(L);
    if (getenv("AGGR_TEST_LEAKS"))
        aggr_leaks_open(L);
    if (gc && gc[0]) {
        lua_gc(L, LUA_GCSETPAUSE, 0);
        lua_gc(L, LUA_GCSETSTEPMUL, WORK_PER_BYTE);
    }
    return vm;
}

#ifdef __SANITIZE_ADDRESS__
const char *__lsan_default_suppressions(void);

/* What glibc holds for a thread that is still looking a name up, or a module, when the process
 * ends. */
const char *__lsan_default_suppressions(void)
{
    return "leak:__GI___res_context_send\nleak:__resolv_conf_load\nleak:_dlerror_run\n";
}
#endif
