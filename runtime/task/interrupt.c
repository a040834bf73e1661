#include "task/interrupt.h"
#include <luajit.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

/* The profiler belongs to the process, as LuaJIT's own state of it does. */
static atomic_bool taken;

static void on_sample(void *data, lua_State *L, int samples, int vmstate)
{
    (void)data, (void)L, (void)samples, (void)vmstate;
}

bool aggr_interrupt_open(struct aggr_interrupt *interrupt, lua_State *L)
{
    if (atomic_exchange(&taken, true))
        return false;
    struct sigaction before, profiler;
    struct itimerval never = {0};
    sigaction(SIGPROF, NULL, &before);
    /* "l": a check wherever the line changes, so in each loop ("f" has none there). */
    luaJIT_profile_start(L, "li1000000", on_sample, NULL);
    setitimer(ITIMER_PROF, &never, NULL);
    sigaction(SIGPROF, &before, &profiler);
    interrupt->trigger = profiler.sa_handler;
    return true;
}

void aggr_interrupt_close(struct aggr_interrupt *interrupt, lua_State *L)
{
    if (!interrupt->trigger)
        return;
    luaJIT_profile_stop(L);
    interrupt->trigger = NULL;
    atomic_store(&taken, false);
}

void aggr_interrupt_set(struct aggr_interrupt *interrupt, lua_State *L, lua_Hook hook)
{
    lua_sethook(L, hook, LUA_MASKCOUNT | LUA_MASKCALL | LUA_MASKRET, 1);
    if (interrupt->trigger)
        interrupt->trigger(SIGPROF);
}

void aggr_interrupt_clear(lua_State *L)
{
    lua_sethook(L, NULL, 0, 0);
}
