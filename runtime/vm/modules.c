#include "vm/modules.h"
#include "bind/audit.h"
#include "bind/clock.h"
#include "bind/exec.h"
#include "bind/fetch.h"
#include "bind/file.h"
#include "bind/guard.h"
#include "bind/json.h"
#include "bind/json_pick.h"
#include "bind/json_stream.h"
#include "bind/out.h"
#include "bind/response.h"
#include "bind/scope.h"
#include "bind/sys.h"
#include "bind/task.h"
#include "bind/work.h"

/* From lua-cjson, which has no header. */
int luaopen_cjson(lua_State *L);

const struct aggr_vm_module aggr_modules[] = {
    {"aggr.core.audit", aggr_bind_audit},
    {"aggr.core.clock", aggr_bind_clock},
    {"aggr.core.exec", aggr_bind_exec},
    {"aggr.core.fetch", aggr_bind_fetch},
    {"aggr.core.file", aggr_bind_file},
    {"aggr.core.guard", aggr_bind_guard},
    {"aggr.core.json", aggr_bind_json},
    {"aggr.core.out", aggr_bind_out},
    {"aggr.core.pick", aggr_bind_json_pick},
    {"aggr.core.response", aggr_bind_response},
    {"aggr.core.scope", aggr_bind_scope},
    {"aggr.core.stream", aggr_bind_json_stream},
    {"aggr.core.sys", aggr_bind_sys},
    {"aggr.core.task", aggr_bind_task},
    {"aggr.core.work", aggr_bind_work},
    {"cjson", luaopen_cjson},
    {NULL, NULL},
};
