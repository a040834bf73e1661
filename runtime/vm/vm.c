#include "vm/vm.h"
#include "base/mem.h"
#include "bind/work.h"
#include "io/runtime.h"
#include "task/cap.h"
#include "task/sched.h"
#include "task/state.h"
#include "task/watchdog.h"
#include "vm/alloc.h"
#include "vm/loader.h"
#include "vm/worker.h"
#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>

struct aggr_vm {
    struct aggr_state state;
    struct aggr_sched sched;
    struct aggr_cap cap;
};

/* In per cent (200 by default): a collection that has begun is quick about it. When one begins is
 * for task/collector.h. */
enum { GC_STEPS = 1000 };

/* Next to nothing of it becomes garbage, and none of it runs often enough to be worth compiling. */
static int open_all(lua_State *L)
{
    const struct aggr_vm_module *extra = lua_touserdata(L, 1);
    lua_settop(L, 0);
    lua_gc(L, LUA_GCSTOP, 0);
    luaL_openlibs(L);
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    aggr_loader_open(L, extra);
    aggr_loader_require(L, "prelude.init");
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_ON);
    lua_gc(L, LUA_GCRESTART, 0);
    lua_gc(L, LUA_GCSETSTEPMUL, GC_STEPS);
    return 0;
}

struct aggr_vm *aggr_vm_new(struct aggr_runtime *runtime, const struct aggr_vm_module *extra,
                            struct aggr_failure *why)
{
    struct aggr_vm *vm = aggr_mem_new(1, sizeof *vm);
    vm->state.runtime = runtime;
    vm->state.sched = &vm->sched;
    vm->state.workers = &aggr_worker_ops;
    aggr_list_init(&vm->state.abandoned);
    lua_State *L = aggr_alloc_open(&vm->state);
    if (!L) {
        aggr_failure_set(why, AGGR_ERR_MEMORY, AGGR_PHASE_QUEUE, "no memory for Lua");
        aggr_alloc_close(&vm->state);
        free(vm);
        return NULL;
    }
    aggr_sched_init(&vm->sched, L, &runtime->loop, runtime->trace);
    if (lua_cpcall(L, open_all, (void *)extra) != 0) {
        const char *text = lua_tostring(L, -1);
        aggr_failure_set(why, AGGR_ERR_SCRIPT, AGGR_PHASE_QUEUE, "%s", text ? text : "no prelude");
        aggr_vm_free(vm);
        return NULL;
    }
    return vm;
}

void aggr_vm_free(struct aggr_vm *vm)
{
    if (!vm)
        return;
    aggr_watchdog_close(vm->state.watchdog);
    aggr_sched_deinit(&vm->sched);
    aggr_interrupt_close(&vm->sched.interrupt, vm->state.L);
    aggr_bind_work_end(&vm->state);
    aggr_alloc_close(&vm->state);
    aggr_watchdog_stop(vm->state.watchdog);
    aggr_names_deinit(&vm->state.names);
    free(vm);
}

bool aggr_vm_make_interruptible(struct aggr_vm *vm)
{
    return aggr_interrupt_open(&vm->sched.interrupt, vm->state.L);
}

bool aggr_vm_watch(struct aggr_vm *vm, const struct aggr_watchdog_options *options)
{
    vm->state.watchdog = aggr_watchdog_start(vm->state.runtime, &vm->sched, options);
    return vm->state.watchdog != NULL;
}

void aggr_vm_limit_memory(struct aggr_vm *vm, size_t bytes)
{
    aggr_cap_init(&vm->cap, vm->state.L, bytes);
    vm->state.cap = &vm->cap;
}

lua_State *aggr_vm_lua(struct aggr_vm *vm)
{
    return vm->state.L;
}
