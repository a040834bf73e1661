/* aggr-test: the runtime with a virtual clock and the module aggr.testing, running main.lua (which
 * runs busted) as its main task.
 *
 *   aggr-test [busted's options] SPEC...
 */
#include "clock.h"
#include "io/runtime.h"
#include "testing.h"
#include "vm/run.h"
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>

enum { STACK_BYTES = 256 << 20 };

struct session {
    int argc;
    char **argv;
    int code;
};

static void push_words(lua_State *L, const struct session *session)
{
    lua_newtable(L);
    for (int i = 0; i < session->argc; i++) {
        lua_pushstring(L, session->argv[i]);
        lua_rawseti(L, -2, i);
    }
}

static void run_specs(struct session *session, struct aggr_runtime *runtime)
{
    struct aggr_failure why = {0};
    struct aggr_vm *vm = aggr_vm_new(runtime, NULL, &why);
    if (!vm) {
        fprintf(stderr, "aggr-test: %s\n", why.text);
        return;
    }
    AGGR_CHECK(aggr_vm_make_interruptible(vm));
    lua_State *L = aggr_vm_lua(vm);
    if (luaL_loadfile(L, AGGR_TESTS "/program/main.lua") != 0) {
        fprintf(stderr, "aggr-test: %s\n", lua_tostring(L, -1));
    } else {
        aggr_testing_push(L);
        push_words(L, session);
        struct aggr_run_result result = aggr_run_main(vm, NULL, 3);
        session->code = result.code;
        if (result.text[0])
            fprintf(stderr, "aggr-test: %s\n", result.text);
    }
    aggr_vm_free(vm);
}

static void *session_body(void *context)
{
    struct session *session = context;
    struct aggr_testing_clock clock;
    aggr_testing_clock_init(&clock);
    struct aggr_runtime_options options = {.clock = &clock.clock, .seed = 1};
    struct aggr_runtime *runtime = calloc(1, sizeof *runtime);
    AGGR_CHECK(runtime && aggr_runtime_init(runtime, &options) == AGGR_OK);
    run_specs(session, runtime);
    unsigned leaked = aggr_runtime_deinit(runtime);
    if (leaked > 0) {
        fprintf(stderr, "aggr-test: %u handles left open\n", leaked);
        session->code = 1;
    }
    free(runtime);
    return NULL;
}

int main(int argc, char **argv)
{
    struct session session = {.argc = argc, .argv = argv, .code = 70};
    pthread_attr_t attributes;
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    AGGR_CHECK(pthread_create(&thread, &attributes, session_body, &session) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    return session.code;
}
