/* signals.h -- SIGINT, SIGTERM and SIGHUP (unless it is ignored, as under nohup): the first cancels
 * the run, the second ends the process (R28).
 *
 * The one place with process-wide state: a signal handler has nothing else to go by.
 * uv's own signal watcher only writes to a pipe, which a looping script would never read.
 *
 *   install -> attach -> detach
 */
#pragma once
#include "io/loop.h"

/* Counts from here on; a signal caught before attach is delivered by it. */
void aggr_signals_install(void);

/* From the loop's thread: `on_signal(context)` comes on the loop after the first signal. `on_exit`
 * comes before the second one ends the process, in its handler. */
enum aggr_err aggr_signals_attach(struct aggr_loop *loop, void (*on_signal)(void *context),
                                  void (*on_exit)(void *context), void *context);
void aggr_signals_detach(void);

/* The first signal's number, 0 when there was none. */
int aggr_signals_first(void);
