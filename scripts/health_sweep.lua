#!/usr/bin/env -S aggr run
-- Ask every service given as an argument whether it is well; for cron and deploy gates.
--     aggr run -q scripts/health_sweep.lua users billing search || page_somebody
-- Exit code 0: all are; 3: some are not; 4: none is.
local aggr = require "aggr"

local cfg = aggr.settings {
  base  = { "http://127.0.0.1:9000", "where the services live" },
  limit = { 20, "services asked at once" },
}

local api = aggr.client { base = cfg.base, timeout = 2 }

local services = {}
for _, name in ipairs(aggr.args) do
  services[name] = { url = "/health/{name}", vars = { name = name } }
end

local _, report = aggr.all(services, { client = api, limit = cfg.limit, deadline = 5, need = 1 })

local states = {}
for name, entry in pairs(report.sources) do
  states[name] = { state = entry.state, error = entry.error and entry.error.message }
end
return aggr.object(states), report
