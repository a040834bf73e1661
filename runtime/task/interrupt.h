/* interrupt.h -- leaving Lua code that does not ask to be left, compiled loops included.
 *
 * A debug hook alone is not seen by compiled code. LuaJIT's profiler puts a check into each loop
 * that it compiles; its signal handler, called by us, makes the check leave the compiled code, and
 * then the hook fires (facts 18). Its timer never runs, SIGPROF stays what it was.
 *
 * One lua_State of a process can have the profiler; in others hooks fire in interpreted code only.
 *
 *   open -> set* -> close (before lua_close)
 */
#pragma once
#include <lua.h>
#include <stdbool.h>

struct aggr_interrupt {
    void (*trigger)(int number); /* NULL: without the profiler */
    volatile unsigned fired;     /* the hooks count here */
};

/* False when another state of the process has the profiler. */
bool aggr_interrupt_open(struct aggr_interrupt *interrupt, lua_State *L);
void aggr_interrupt_close(struct aggr_interrupt *interrupt, lua_State *L);

/* `hook` is called at each instruction, call and return from the next one on, until it is cleared.
 * From the state's own thread, also in a signal handler or an allocator. Rarely the request gets
 * lost, when the VM is just changing its hooks itself: whoever must be sure asks again. */
void aggr_interrupt_set(struct aggr_interrupt *interrupt, lua_State *L, lua_Hook hook);
void aggr_interrupt_clear(lua_State *L);
