#include "cli/signals.h"

#include "cli/complain.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static struct {
    atomic_int first;
    atomic_bool attached;
    uv_async_t wake;
    void (*on_signal)(void *context), (*on_exit)(void *context);
    void *context;
    bool delivered;
} signals;

static void on_caught(int number)
{
    int none = 0;
    bool attached = atomic_load(&signals.attached);
    if (!atomic_compare_exchange_strong(&signals.first, &none, number)) {
        if (attached)
            signals.on_exit(signals.context);
        _exit(AGGR_EXIT_SIGNAL + number);
    }
    if (attached)
        uv_async_send(&signals.wake);
}

static void on_wake(uv_async_t *wake)
{
    (void)wake;
    if (signals.delivered || !atomic_load(&signals.first))
        return;
    signals.delivered = true;
    signals.on_signal(signals.context);
}

void aggr_signals_install(void)
{
    /* Without SA_RESTART a blocked read in a script returns at once (facts 19). */
    struct sigaction action = {.sa_handler = on_caught};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* under nohup */
        sigaction(SIGHUP, &action, NULL);
}

enum aggr_err aggr_signals_attach(struct aggr_loop *loop, void (*on_signal)(void *context),
                                  void (*on_exit)(void *context), void *context)
{
    if (uv_async_init(&loop->uv, &signals.wake, on_wake) != 0)
        return AGGR_ERR_SYSTEM;
    uv_unref((uv_handle_t *)&signals.wake);
    signals.on_signal = on_signal;
    signals.on_exit = on_exit;
    signals.context = context;
    atomic_store(&signals.attached, true);
    if (atomic_load(&signals.first))
        uv_async_send(&signals.wake);
    return AGGR_OK;
}

void aggr_signals_detach(void)
{
    atomic_store(&signals.attached, false);
    uv_close((uv_handle_t *)&signals.wake, NULL);
}

int aggr_signals_first(void)
{
    return atomic_load(&signals.first);
}
