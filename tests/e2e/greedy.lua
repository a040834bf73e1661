-- greedy.lua: runs each script of greedy_scripts.lua in a task of its own, KILLS in all, beside a task that waits.
-- Each must end with kind memory, and leave a state that works. Gives { killed = number, cleaned = a hundred
-- times as many, wrong = … }.
--
--   aggr run --max-memory SIZE greedy.lua KILLS [work]
local aggr = require "aggr"

local kills, off_loop = tonumber(aggr.args[1]), aggr.args[2] == "work"
local scripts = dofile((arg[0]:gsub("greedy%.lua$", "greedy_scripts.lua")))
local names = {}
for name in pairs(scripts) do names[#names + 1] = name end
table.sort(names)

local environment = setmetatable({ aggr = aggr }, { __index = _G })

local cleaned = 0

local function greedy(name)
  if off_loop then
    return aggr.work(function(code) return assert(load("local aggr = require 'aggr' " .. code))() end, scripts[name])
  end
  aggr.defer(function()
    local few = {}
    for i = 1, 100 do few[i] = { i } end
    aggr.sleep(0)
    cleaned = cleaned + #few
  end)
  setfenv(assert(load(scripts[name], "=" .. name)), environment)()
end

local killed, wrong = 0, aggr.array {}
for i = 1, kills do
  local name = names[i % #names + 1]
  local data, report = aggr.all {
    greedy = function() greedy(name) end,
    other = function() aggr.sleep(0) return { i, tostring(i) } end,
  }
  local err = report.sources.greedy.error
  if err and err.kind == "memory" and err.where and data.other[1] == i then
    killed = killed + 1
  else
    wrong[#wrong + 1] = name .. ": " .. tostring(err)
  end
end
return { killed = killed, wrong = wrong, cleaned = cleaned }
