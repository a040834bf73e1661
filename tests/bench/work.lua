-- work.lua: what aggr.work and aggr.exec cost. Prints µs per round trip, with small and with larger values, jobs
-- per second with many at once, speed-up of two jobs that compute, and ms per program.
local aggr = require "aggr"

local N = tonumber((...)) or 10000

local function same(...) return ... end

local function spin(n)
  local sum = 0
  for i = 1, n do sum = sum + i % 7 end
  return sum
end

local function timed(fn, ...)
  local began = aggr.now()
  fn(...)
  return aggr.now() - began
end

local function round_trips(n, ...)
  for _ = 1, n do aggr.work(same, ...) end
end

local function at_once(n, limit)
  local left = n
  aggr.group(function(g)
    for _ = 1, limit do
      g:spawn(function()
        while left > 0 do
          left = left - 1
          aggr.work(same, 1)
        end
      end)
    end
  end)
end

local function both(n)
  aggr.group(function(g)
    g:spawn(function() aggr.work(spin, n) end)
    g:spawn(function() aggr.work(spin, n) end)
  end)
end

local record = { id = 17, name = "a name", tags = { "a", "b", "c" }, price = { eur = 9.5, usd = 10.1 } }
local list = {}
for i = 1, 100 do list[i] = record end

round_trips(1000, 1)
local trip = timed(round_trips, N, 1) / N
local larger = timed(round_trips, N / 10, list) / (N / 10)
local many = timed(at_once, N * 5, 64)
local alone = timed(function() aggr.work(spin, 1e8) end)
local program = timed(function() for _ = 1, 50 do aggr.exec { "true" } end end) / 50

return ("round_trip_us=%.1f larger_us=%.1f jobs_per_s=%.0f speed_up=%.2f exec_ms=%.2f\n"):format(trip * 1e6,
  larger * 1e6, N * 5 / many, 2 * alone / timed(both, 1e8), program * 1e3)
