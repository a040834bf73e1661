/* fetch_drive.h -- moves a fetch from state to state. For fetch.c alone.
 *
 *   new -> (dns -> queue -> connect -> wait -> body)* -> ended, from any of them
 */
#pragma once
#include "io/fetch.h"

/* Sets the timer for the limits that hold now. */
void aggr_fetch_arm(struct aggr_fetch *fetch);

/* From new; may call on_end. */
void aggr_fetch_drive(struct aggr_fetch *fetch);

/* To ended, from any state between: everything under way ends in this turn, on_end does not come.
 */
void aggr_fetch_halt(struct aggr_fetch *fetch);
