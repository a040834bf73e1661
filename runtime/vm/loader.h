/* loader.h -- how library modules are found: core modules (C), then embedded ones (bytecode).
 *
 * They run in a private environment that keeps the original globals; `require` there knows the
 * library alone. Scripts cannot reach core modules.
 */
#pragma once
#include "vm/vm.h"
#include <lua.h>

/* Keeps the globals of `L` as they are now for the library. `extra` as in aggr_vm_new. */
void aggr_loader_open(lua_State *L, const struct aggr_vm_module *extra);

/* Pushes the library module `name`, loaded on first use; may throw. */
void aggr_loader_require(lua_State *L, const char *name);

/* Pushes the library's environment. */
void aggr_loader_push_environment(lua_State *L);
