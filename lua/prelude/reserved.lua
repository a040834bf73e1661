--- prelude.reserved: what would take hooks, profiler, registry and compiled code away from the runtime,
-- refused to scripts.
local errors = require "aggr.errors"

local reserved = {}

local REASON = {
  ["debug.sethook"] = "the runtime needs the only hook there is (aggr.deadline limits how long a call may wait)",
  ["debug.getregistry"] = "it holds what the runtime works with (keep values of your own in a module)",
  ["jit.attach"] = "the runtime watches the compiler itself (jit.off and jit.flush work)",
  ["jit.profile"] = "the runtime needs the only profiler there is (aggr.now tells how long something took)",
  ["jit.util.funck"] = "constants of compiled functions lead into the runtime (luajit -bl lists bytecode)",
  ["jit.util.tracek"] = "constants of compiled code lead into the runtime (jit.util.traceinfo works)",
}

--- Raise kind `usage`: `name` is one of those above.
---@param name string
function reserved.refuse(name)
  errors.usage(1, "%s is not for scripts: %s", name, REASON[name])
end

local function refusing(name)
  return function() reserved.refuse(name) end
end

--- jit.util without what leads from a function to other values.
local function harmless(own)
  local util = {}
  for name, fn in pairs(own) do util[name] = fn end
  util.funck, util.tracek = refusing "jit.util.funck", refusing "jit.util.tracek"
  function util.funcinfo(...)
    local info = own.funcinfo(...)
    info.proto = nil
    return info
  end
  return util
end

function reserved.install(script)
  script.debug.sethook = refusing "debug.sethook"
  script.debug.getregistry = refusing "debug.getregistry"
  script.jit.attach = refusing "jit.attach"
  script.package.preload["jit.profile"] = nil
  script.package.preload["jit.util"] = function() return harmless(require "jit.util") end
end

return reserved
