-- late.lua: how late deadlines come, over 1,000 of them, ten at a time; with a URL as argument while
-- the look-up of its host's name goes on.
local aggr = require "aggr"

local hanging = ...
local SAMPLES = 1000
local late = {}

local function sample(i)
  local seconds = 0.010 + (i * 7 % 41) / 1000
  local begin = aggr.now()
  local _, err = aggr.try(function()
    aggr.deadline(seconds, function() aggr.sleep(30) end)
  end)
  assert(err and err.kind == "deadline")
  late[#late + 1] = aggr.now() - begin - seconds
end

local function all_samples()
  local list = {}
  for i = 1, SAMPLES do list[i] = i end
  aggr.map(list, sample, { limit = 10 })
end

aggr.group(function(g)
  if hanging then g:spawn(aggr.try, hanging) end
  all_samples()
  g:cancel()
end)

table.sort(late)
return string.format("late_ms=%.3f least_ms=%.3f samples=%d\n", late[SAMPLES * 0.99] * 1e3,
  late[1] * 1e3, #late)
