--- Loaded by busted before the specs: every test ends with a leak check.
local busted = require "busted"
local testing = require "aggr.testing"

local IDLE = { tasks = 1, scopes = 2, timers = 0, in_flight = 0 } -- the main task, its scope, the root

busted.after_each(function()
  collectgarbage()
  local counts = testing.counts()
  for name, expected in pairs(IDLE) do
    assert(counts[name] == expected, ("leaked: %d %s instead of %d"):format(counts[name], name, expected))
  end
end)
