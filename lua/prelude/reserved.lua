--- prelude.reserved: what would take hooks and profiler away from the runtime, refused to scripts.
local errors = require "aggr.errors"

local reserved = {}

local function refuse(name)
  return function() errors.usage(1, "%s belongs to the runtime", name) end
end

function reserved.install(script)
  script.debug.sethook = refuse("debug.sethook")
  script.debug.getregistry = refuse("debug.getregistry")
  script.jit.attach = refuse("jit.attach")
  script.package.preload["jit.profile"] = refuse("jit.profile")
end

return reserved
