/* json_pace.h -- the collector while a text is decoded.
 *
 * It rests meanwhile: nothing that a decoder makes is garbage yet, and looking through it again and
 * again is a third of the time of the first large text that a program decodes. Afterwards it does
 * what it would have done, so a program that does nothing but decode stays within its usual bounds.
 *
 *   rest -> (decode, which may throw: catch it) -> catch_up
 */
#pragma once
#include <lua.h>
#include <stdbool.h>

struct aggr_json_pace {
    int floor_kb;  /* the least that Lua was seen to use since a collection ended */
    int before_kb; /* what it used when the collector went to rest */
    bool resting;  /* false when a script had stopped it already */
};

void aggr_json_pace_init(struct aggr_json_pace *pace, lua_State *L);
void aggr_json_pace_rest(struct aggr_json_pace *pace, lua_State *L);

/* May run finalizers. */
void aggr_json_pace_catch_up(struct aggr_json_pace *pace, lua_State *L);
