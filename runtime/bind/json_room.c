#include "bind/json_room.h"
#include <string.h>

size_t aggr_json_room_ahead(struct aggr_json_room *room, const char *at, const char *end,
                            size_t count, size_t used)
{
    enum { FARTHEST = 1024 * 1024 };
    if (at < room->looked_to)
        return 0;
    size_t left = end - at < FARTHEST ? (size_t)(end - at) : FARTHEST;
    const char *close = memchr(at, ']', left);
    room->looked_to = close ? close : at + left;
    return (size_t)(room->looked_to - at) * count / used;
}
