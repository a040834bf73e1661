/* leak:
 *
 *   task(fn)     a task that no scope of the script owns
 *   timer()      set for later than any run lasts
 *   socket(port) connected to 127.0.0.1, as a transport that forgets to close it
 *   sockets()    the audit hears no more of sockets that are closed
 *   handle()     libuv's, not closed
 */
#include "leaks.h"
#include "io/runtime.h"
#include "task/state.h"
#include "vm/loader.h"
#include <arpa/inet.h>
#include <lauxlib.h>

static struct aggr_loop *loop_of(lua_State *L)
{
    return &aggr_state_runtime(L)->loop;
}

static int l_task(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    aggr_loader_require(L, "aggr.scope");
    lua_getfield(L, -1, "spawn_root");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

/* In the background, so that the run can end; the ledger knows it as one that is not. */
static int l_timer(lua_State *L)
{
    static struct aggr_timer timer = {.rank = AGGR_TIMER_PLAIN, .background = true};
    struct aggr_loop *loop = loop_of(L);
    aggr_timer_start(&loop->timers, &timer, aggr_clock_after(aggr_loop_now(loop), 3600));
    aggr_ledger_made(&loop->ledger, AGGR_LEDGER_TIMERS, (uintptr_t)&timer, 1, NULL);
    return 0;
}

static int l_socket(lua_State *L)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)luaL_checkinteger(L, 1)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    AGGR_CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    aggr_ledger_made(&loop_of(L)->ledger, AGGR_LEDGER_SOCKETS, (uintptr_t)fd, 1, NULL);
    return 0;
}

static void (*tell)(struct aggr_ledger_book *self, enum aggr_ledger_row row, uintptr_t key,
                    uint64_t amount);

static void tell_but_of_sockets(struct aggr_ledger_book *self, enum aggr_ledger_row row,
                                uintptr_t key, uint64_t amount)
{
    if (row != AGGR_LEDGER_SOCKETS)
        tell(self, row, key, amount);
}

static int l_sockets(lua_State *L)
{
    struct aggr_ledger_book *book = loop_of(L)->ledger.book;
    tell = book->on_gone;
    book->on_gone = tell_but_of_sockets;
    return 0;
}

static int l_handle(lua_State *L)
{
    static uv_idle_t idle;
    AGGR_CHECK(uv_idle_init(&loop_of(L)->uv, &idle) == 0);
    return 0;
}

static const luaL_Reg functions[] = {
    {"task", l_task},       {"timer", l_timer},   {"socket", l_socket},
    {"sockets", l_sockets}, {"handle", l_handle}, {NULL, NULL},
};

void aggr_leaks_open(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    lua_setglobal(L, "leak");
}
