#include "cli/run.h"

#include "bind/out.h"
#include "cli/audit_report.h"
#include "cli/complain.h"
#include "cli/flags.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/signals.h"
#include "io/runtime.h"
#include "task/audit.h"
#include "task/state.h"
#include "task/watchdog.h"
#include "vm/run.h"
#include "vm/vm.h"

#include <lua.h>
#include <stdlib.h>
#include <string.h>

/* One run, on its own thread from runtime to teardown. */
struct session {
    const struct aggr_arguments *arguments; /* borrowed */
    size_t descriptors, sockets;            /* open files allowed, and how many may be sockets */
    unsigned asked, concurrency;            /* permits: what was asked for, what is given */
    struct aggr_runtime runtime;
    struct aggr_vm *vm;
    struct aggr_audit *audit; /* owned; NULL without --audit */
    struct aggr_timer deadline;
    bool deadline_passed, interrupted;
    int code;
};

static double number_of(const struct aggr_arguments *arguments, const char *name, double fallback)
{
    size_t index = aggr_flag_index(name);
    const char *value = arguments->values[index];
    return value ? aggr_flag_number(&aggr_flags[index], value) : fallback;
}

static enum aggr_router_mode mode_of(const struct aggr_arguments *arguments)
{
    const char *value = arguments->values[aggr_flag_index("transport")];
    if (!value || strcmp(value, "auto") == 0)
        return AGGR_ROUTER_AUTO;
    return strcmp(value, "native") == 0 ? AGGR_ROUTER_NATIVE : AGGR_ROUTER_CURL;
}

static void on_signal(void *context)
{
    struct session *session = context;
    if (!session->deadline_passed)
        session->interrupted = true;
    aggr_run_cancel(session->vm, AGGR_REASON_SIGNAL);
}

static void on_exit_at_once(void *context)
{
    struct session *session = context;
    aggr_children_kill(&session->runtime.children);
}

static void on_deadline(struct aggr_timer *timer)
{
    struct session *session = AGGR_LIST_ENTRY(timer, struct session, deadline);
    if (session->interrupted)
        return;
    session->deadline_passed = true;
    aggr_run_cancel(session->vm, AGGR_REASON_DEADLINE);
}

/* cut() -> nil, or "deadline" | "signal" and the exit code that it means. */
static int l_cut(lua_State *L)
{
    const struct session *session = lua_touserdata(L, lua_upvalueindex(1));
    if (!session->deadline_passed && !session->interrupted)
        return 0;
    lua_pushstring(L, session->interrupted ? "signal" : "deadline");
    lua_pushinteger(L, session->interrupted ? AGGR_EXIT_SIGNAL + aggr_signals_first() : 6);
    return 2;
}

/* Of --stall, --max-slice and --hard-stall, in seconds; 0: none. */
static double guard_limit(const struct aggr_arguments *arguments, const char *name)
{
    static const struct {
        const char *name;
        double seconds;
    } defaults[] = {{"stall", 0.1}, {"max-slice", 5}, {"hard-stall", 30}};
    size_t i = 0;
    while (strcmp(defaults[i].name, name) != 0)
        i++;
    return number_of(arguments, name, defaults[i].seconds);
}

static size_t buffered_of(const struct aggr_arguments *arguments)
{
    static const double most = 64 << 20, share = 4;
    double memory = number_of(arguments, "max-memory", 0);
    bool is_less = memory > 0 && memory / share < most;
    return (size_t)number_of(arguments, "max-buffered", is_less ? memory / share : most);
}

/* The table that lua/prelude/main.lua takes: the options by name with '_' for '-', and script,
 * args, cut, descriptors, asked. */
static void push_options(lua_State *L, struct session *session)
{
    const struct aggr_arguments *arguments = session->arguments;
    aggr_options_push(L, arguments);
    lua_pushstring(L, arguments->script);
    lua_setfield(L, -2, "script");
    lua_pushlightuserdata(L, session);
    lua_pushcclosure(L, l_cut, 1);
    lua_setfield(L, -2, "cut");
    lua_pushinteger(L, (lua_Integer)session->descriptors);
    lua_setfield(L, -2, "descriptors");
    lua_pushinteger(L, (lua_Integer)session->asked);
    lua_setfield(L, -2, "asked");
    lua_pushinteger(L, (lua_Integer)session->concurrency);
    lua_setfield(L, -2, "concurrency");
    lua_pushnumber(L, guard_limit(arguments, "stall"));
    lua_setfield(L, -2, "stall");
    lua_pushnumber(L, guard_limit(arguments, "max-slice"));
    lua_setfield(L, -2, "max_slice");
    lua_pushnumber(L, guard_limit(arguments, "hard-stall"));
    lua_setfield(L, -2, "hard_stall");
    lua_pushnumber(L, (lua_Number)buffered_of(arguments));
    lua_setfield(L, -2, "max_buffered");
}

static uint64_t in_ns(double seconds)
{
    return aggr_clock_after(0, seconds);
}

/* As scripts are called in messages. */
static const char *script_name(const struct aggr_arguments *arguments)
{
    if (arguments->values[aggr_flag_index("eval")])
        return "-e";
    return strcmp(arguments->script, "-") == 0 ? "stdin" : arguments->script;
}

/* Past --hard-stall, on the watchdog's thread: the line that no hook can leave. */
static void on_hard_stall(void *context, double seconds, const struct aggr_place *place)
{
    struct session *session = context;
    const char *where = place->where[0] ? place->where : script_name(session->arguments);
    const char *preposition = place->called[0] ? " in " : "";
    aggr_complain("%s: has kept the loop for %g s%s%s and cannot be stopped: the run ends here "
                  "(--hard-stall)",
                  where, (double)(int)(seconds * 10) / 10, preposition, place->called);
    aggr_bind_out_rescue(aggr_vm_lua(session->vm));
    aggr_children_kill(&session->runtime.children);
}

/* Nothing is watched, and compiled code is not slowed down, when all limits are off. */
static void watch(struct session *session)
{
    const struct aggr_arguments *arguments = session->arguments;
    uint64_t gate_ns = in_ns(number_of(arguments, "max-stall", 0));
    struct aggr_watchdog_options options = {
        .stall_ns = in_ns(guard_limit(arguments, "stall")),
        .slice_ns = in_ns(guard_limit(arguments, "max-slice")),
        .hard_ns = in_ns(guard_limit(arguments, "hard-stall")),
        .on_hard_stall = on_hard_stall,
        .context = session,
    };
    if (gate_ns > 0 && (options.stall_ns == 0 || gate_ns < options.stall_ns))
        options.stall_ns = gate_ns;
    double memory = number_of(arguments, "max-memory", 0);
    bool is_watched = options.stall_ns || options.slice_ns || options.hard_ns;
    if (is_watched || memory > 0)
        AGGR_CHECK(aggr_vm_make_interruptible(session->vm));
    if (memory > 0)
        aggr_vm_limit_memory(session->vm, (size_t)memory);
    if (is_watched && !aggr_vm_watch(session->vm, &options))
        aggr_complain("no thread can be had for --stall, --max-slice and --hard-stall");
}

static void run_script(struct session *session)
{
    struct aggr_failure why = {0};
    session->vm = aggr_vm_new(&session->runtime, NULL, &why);
    if (!session->vm) {
        aggr_complain("cannot start: %s", why.text);
        return;
    }
    watch(session);
    if (session->audit)
        aggr_audit_watch(session->audit, aggr_state_of(aggr_vm_lua(session->vm))->sched);
    if (aggr_signals_attach(&session->runtime.loop, on_signal, on_exit_at_once, session) ==
        AGGR_OK) {
        double seconds = number_of(session->arguments, "deadline", -1);
        uint64_t now_ns = aggr_loop_now(&session->runtime.loop);
        if (seconds > 0)
            aggr_timer_start(&session->runtime.loop.timers, &session->deadline,
                             aggr_clock_after(now_ns, seconds));
        push_options(aggr_vm_lua(session->vm), session);
        struct aggr_run_result result = aggr_run_main(session->vm, "prelude.main", 1);
        session->code = result.code;
        if (result.text[0])
            aggr_complain("%s", result.text);
        aggr_timer_stop(&session->runtime.loop.timers, &session->deadline);
        aggr_signals_detach();
    }
    if (session->audit)
        aggr_audit_find(session->audit, AGGR_AUDIT_RUN_ENDED);
    aggr_vm_free(session->vm);
}

/* Listing a script's settings is no run. */
static bool wants_audit(const struct aggr_arguments *arguments)
{
    return arguments->values[aggr_flag_index("audit")] &&
           !arguments->values[aggr_flag_index("help")];
}

static void *session_body(void *context)
{
    struct session *session = context;
    struct aggr_runtime_options options = {
        .concurrency = session->concurrency,
        .sockets = (unsigned)session->sockets,
        .buffered = buffered_of(session->arguments),
        .per_host = (unsigned)number_of(session->arguments, "per-host", 0),
        .children = (unsigned)aggr_process_children(session->descriptors),
        .workers = (unsigned)number_of(session->arguments, "workers", 0),
        .mode = mode_of(session->arguments),
        .getenv = getenv,
        .seed = aggr_rng_entropy(),
    };
    if (aggr_runtime_init(&session->runtime, &options) != AGGR_OK) {
        aggr_complain("cannot start: the event loop could not be made");
        return NULL;
    }
    if (wants_audit(session->arguments))
        session->audit = aggr_audit_new(&session->runtime.loop.ledger);
    run_script(session);
    unsigned leaked = aggr_runtime_deinit(&session->runtime);
#ifdef AGGR_LEAKS_FATAL
    AGGR_CHECK(leaked == 0 || session->audit);
#endif
    (void)leaked;
    if (session->audit)
        aggr_audit_find(session->audit, AGGR_AUDIT_TORN_DOWN);
    return NULL;
}

/* Last of all on stderr. A left-over makes a run that is fine otherwise a failed one. */
static void end_audit(struct session *session)
{
    const char *const *values = session->arguments->values;
    const char *form = values[aggr_flag_index("log-format")];
    bool clean = aggr_audit_clean(session->audit);
    bool when_clean =
        values[aggr_flag_index("audit")][0] == '\0' && !values[aggr_flag_index("quiet")];
    if (!clean || when_clean)
        aggr_audit_report(session->audit, form && strcmp(form, "json") == 0);
    if (!clean && (session->code == AGGR_EXIT_OK || session->code == AGGR_EXIT_PARTIAL))
        session->code = AGGR_EXIT_INTERNAL;
    aggr_audit_free(session->audit);
}

static int run(const struct aggr_arguments *arguments)
{
    struct session session = {.arguments = arguments, .code = AGGR_EXIT_INTERNAL};
    session.deadline = (struct aggr_timer){.background = true, .on_due = on_deadline};
    session.descriptors = aggr_process_raise_descriptors();
    if (session.descriptors < AGGR_PROCESS_DESCRIPTORS_LEAST)
        return aggr_complain("cannot start: %zu open files are allowed, it takes %d (ulimit -n)",
                             session.descriptors, AGGR_PROCESS_DESCRIPTORS_LEAST);
    session.sockets = aggr_process_sockets(session.descriptors);
    size_t permits = session.sockets * 3 / 4; /* the others may be idle connections */
    session.asked = (unsigned)number_of(arguments, "concurrency", 128);
    session.concurrency = session.asked < permits ? session.asked : (unsigned)permits;
    aggr_signals_install();
    int failed = aggr_process_on_big_stack(session_body, &session);
    if (failed)
        aggr_complain("cannot start: %s", strerror(failed));
    if (session.audit)
        end_audit(&session);
    return session.code;
}

int aggr_run_command(int argc, char **argv)
{
    struct aggr_arguments arguments;
    int code = aggr_arguments_parse(&arguments, aggr_flags, argc, argv);
    bool has_code = code == 0 && arguments.values[aggr_flag_index("eval")];
    bool has_help = code == 0 && arguments.values[aggr_flag_index("help")];
    if (code == 0 && has_help)
        code = aggr_help(stdout, "run");
    if (code == 0 && (arguments.script || has_code)) {
        fflush(stdout);
        code = run(&arguments);
    } else if (code == 0 && !has_help) {
        code = aggr_complain("run needs a script: aggr run SCRIPT, aggr run - for stdin, or "
                             "aggr run -e CODE");
    }
    aggr_arguments_deinit(&arguments);
    return code;
}
