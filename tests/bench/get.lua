-- get.lua: what multi.c does, with aggr: TOTAL GETs of URL, CONCURRENCY at a time, JSON decoded.
--
--   aggr run --format raw --concurrency C --per-host C get.lua URL TOTAL CONCURRENCY
--
-- A URL that ends with "=" gets the request's number. BENCH_CA names the CA's certificate for https.
-- Gives what workload.h says, and the resident memory at the end (rss_kib) and after 50,000 requests
-- or, if there are fewer than 100,000, half of them (early_kib).
local aggr = require "aggr"

local url, total, concurrency = ...
total, concurrency = tonumber(total), tonumber(concurrency)
local api = aggr.client { timeout = 120, proxy = false, http = "1.1", tls = { ca = os.getenv "BENCH_CA" } }
local numbered = url:sub(-1) == "="
local early = math.min(50000, math.ceil(total / 2))
local ended, early_kib, warm_at = 0, nil, 0

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
  api:json(numbered and url .. n or url)
  ended = ended + 1
  if ended == concurrency then warm_at = os.clock() end
  if ended == early then early_kib = rss_kib() end
end, { limit = concurrency })

return string.format("warm_us=%.2f rss_kib=%d early_kib=%d ok=%d\n",
  (os.clock() - warm_at) * 1e6 / math.max(total - concurrency, 1), rss_kib(), early_kib, report.succeeded)
