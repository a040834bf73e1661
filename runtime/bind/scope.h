/* scope.h -- the core module aggr.core.scope; its functions are listed at the head of scope.c. */
#pragma once
#include <lua.h>

struct aggr_scope;

int aggr_bind_scope(lua_State *L);

/* The open scope in the userdata at `index`; raises when it is none or closed. */
struct aggr_scope *aggr_bind_scope_at(lua_State *L, int index);
