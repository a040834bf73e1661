-- steady.lua: TOTAL requests through `each`; resident memory after the first 50,000 and at the end.
local aggr = require "aggr"

local url, total = ...
total = tonumber(total)
local early = math.min(50000, total / 2)
local api = aggr.client { proxy = false }
local done, first = 0, nil

local function rss_kib()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s*(%d+) kB")
    if kib then return tonumber(kib) end
  end
end

local function numbers()
  local n = 0
  return function()
    n = n + 1
    return n <= total and n or nil
  end
end

local report = aggr.each(numbers(), function(n)
  api:json(url .. "?id=" .. n)
  done = done + 1
  if done == early then first = rss_kib() end
end, { limit = 100 })

return string.format("rss_kib=%d first_kib=%d ok=%d\n", rss_kib(), first, report.succeeded)
