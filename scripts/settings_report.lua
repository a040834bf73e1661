#!/usr/bin/env -S aggr run
-- Knobs for people who run a script and don't edit it:
--     aggr run --help scripts/settings_report.lua
--     aggr run --set count=5 --set verbose=true scripts/settings_report.lua
--     AGGR_SET_COUNT=5 aggr run scripts/settings_report.lua
--     aggr run --settings production.json scripts/settings_report.lua
local aggr = require "aggr"

local cfg = aggr.settings {
  base    = { "http://127.0.0.1:9000", "where the API lives" },
  count   = { 3, "how many items" },
  timeout = { "2s", "longest wait for one of them" },
  verbose = { false, "log each item" },
}

local api = aggr.client { base = cfg.base, timeout = cfg.timeout }

local ids = {}
for id = 1, cfg.count do ids[id] = id end

local items, report = aggr.map(ids, function(id)
  local item = api:json("/items/{id}", { vars = { id = id } })
  if cfg.verbose then aggr.log.info("got item", { id = id, name = item.name }) end
  return item.name
end, { deadline = 10 })

return items, report
