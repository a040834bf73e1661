--- prelude: what scripts find in their globals instead of Lua's own, because of the scheduler.
--
-- The library keeps the originals: it runs in an environment of its own, where `script` is the
-- scripts' _G. Each part installs itself there once, before any script is loaded.
local core = require "aggr.core.task"
local json = require "aggr.json"
local scope = require "aggr.scope"
local stall = require "aggr.stall"
local sys = require "aggr.core.sys"
local blocked = require "prelude.blocked"

math.randomseed(sys.random() * 2 ^ 53) -- chance comes from one place, and differs from run to run

scope.blocked = blocked.raise
json.take_turns(core)
core.install { blocked = blocked.raise, kill = scope.unwind, deadlock = scope.deadlock,
  stall = stall.ended, waited = stall.waited }

local parts = { "blocked", "pcall", "coroutine", "gsub", "strings", "load", "require", "reserved", "debug",
  "finalizer", "native", "guard" }

for _, part in ipairs(parts) do
  require("prelude." .. part).install(_G.script)
end

_G.script.package.preload.aggr = function() return require "aggr" end

return true
