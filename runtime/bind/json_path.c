#include "bind/json_path.h"

void aggr_json_path_push(const struct aggr_json_reader *reader, lua_State *L, int top)
{
    int slot = AGGR_JSON_FIRST;
    lua_createtable(L, reader->depth, 0);
    for (int i = 0; i < reader->depth; i++) {
        const struct aggr_json_level *level = &reader->levels[i];
        bool innermost_one = i == reader->depth - 1;
        slot++;
        if (!level->is_object)
            lua_pushinteger(L, (lua_Integer)level->count +
                                   (!innermost_one || reader->expected != AGGR_JSON_A_COMMA));
        else if (slot <= top)
            lua_pushvalue(L, slot++);
        else
            break;
        lua_rawseti(L, -2, i + 1);
    }
}
