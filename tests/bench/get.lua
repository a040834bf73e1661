-- get.lua: what multi.c does, with aggr: TOTAL GETs of URL, CONCURRENCY at a time, JSON decoded.
--
--   aggr run --format raw --concurrency C --per-host C get.lua URL TOTAL CONCURRENCY [hold]
--
-- Gives wall_ms, rss_kib (peak; with `hold` when the first answer comes) and ok; the CPU time of
-- the whole process is for whoever started it to measure.
local aggr = require "aggr"

local url, total, concurrency, hold = ...
total, concurrency = tonumber(total), tonumber(concurrency)
local api = aggr.client { timeout = 120, proxy = false }
local held

local function status_kib(name)
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^" .. name .. ":%s*(%d+) kB")
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

local begin = aggr.now()
local report = aggr.each(numbers(), function()
  api:json(url)
  if hold and not held then held = status_kib("VmRSS") end
end, { limit = concurrency })

return string.format("wall_ms=%.1f rss_kib=%d ok=%d\n", (aggr.now() - begin) * 1e3,
  held or status_kib("VmHWM"), report.succeeded)
