-- peer_tarantool.lua: many GETs of one URL with Tarantool's http.client, a fiber for each of those
-- in flight.
--
--   tarantool peer_tarantool.lua URL TOTAL CONCURRENCY
--
-- prints ok, the number of good answers. BENCH_CA names the CA's certificate for https.
local fiber = require "fiber"
local http = require "http.client"
local json = require "json"

local url, total, concurrency = arg[1], tonumber(arg[2]), tonumber(arg[3])
local client = http.new { max_connections = concurrency }
-- Without the two on keeping alive it asks the server to close.
local options = { ca_file = os.getenv "BENCH_CA", timeout = 120, keepalive_idle = 60, keepalive_interval = 60 }
local started, ok = 0, 0

local function work()
  while started < total do
    started = started + 1
    local answer = client:request("GET", url, nil, options)
    if answer.status == 200 and json.decode(answer.body) then ok = ok + 1 end
  end
end

local fibers = {}
for i = 1, concurrency do
  fibers[i] = fiber.new(work)
  fibers[i]:set_joinable(true)
end
for _, each in ipairs(fibers) do each:join() end
print("ok=" .. ok)
os.exit(ok == total and 0 or 1)
