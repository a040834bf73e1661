/* collector.h -- how long Lua's collector rests between two collections.
 *
 * A collection looks through all that lives, so beginning one whenever the heap has grown by a part
 * of itself costs most where the heap is small: 3,000 of 34,700 instructions a request with 1,000
 * in flight, and much of the processor's cache. So a heap may grow by some MiB, however little of
 * it lives; a large one only by that part: with 10,000 requests in flight memory counts for more.
 */
#pragma once
#include <lua.h>

struct aggr_collector {
    int used_kb; /* when it was looked at last */
    int live_kb; /* about what the last collection has left */
    int pause;   /* per cent, as it was set last */
};

/* Of a new state. */
void aggr_collector_init(struct aggr_collector *collector);

/* Sets the pause for what lives now: to be called now and then. One that somebody else has set
 * (collectgarbage "setpause") stays. */
void aggr_collector_pace(struct aggr_collector *collector, lua_State *L);
