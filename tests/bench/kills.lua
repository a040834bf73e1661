-- kills.lua: runs the hostile script NAME in a task of its own, KILLS times, after a random while; each
-- must be killed.
--
--   aggr run --partial-ok --max-slice 10ms kills.lua KILLS SEED NAME
--
-- Gives the number of tasks that were killed and left a state that works. Without arguments: the scripts.
local aggr = require "aggr"

local kills, seed, name = tonumber(aggr.args[1]), tonumber(aggr.args[2]), aggr.args[3]
local scripts = dofile((arg[0]:gsub("bench/kills%.lua$", "e2e/hostile_scripts.lua")))
if not name then return scripts end

local environment = setmetatable({ aggr = aggr }, { __index = _G })
math.randomseed(seed)

local function hostile()
  local n = 0
  for _ = 1, math.random(2000000) do n = n + 1 end
  return setfenv(assert(load(scripts[name])), environment)(n)
end

local count = 0
for i = 1, kills do
  local data, report = aggr.all { hostile = hostile, other = function() return i end }
  local err = report.sources.hostile.error
  if err and err.kind == "stall" and data.other == i then count = count + 1 end
end
return count
