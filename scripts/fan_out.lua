#!/usr/bin/env -S aggr run
-- Many slow APIs at once: as slow as the slowest one, not as the sum. This is what scripts/demo shows.
local aggr = require "aggr"

local cfg = aggr.settings {
  base  = { "http://127.0.0.1:9000", "where the APIs live" },
  count = { 20, "how many APIs" },
  ms    = { 900, "how slow each of them is" },
  limit = { 20, "how many to ask at once" },
}

local api = aggr.client { base = cfg.base }

local sources = {}
for i = 1, cfg.count do
  sources["api" .. i] = { url = "/api/service" .. i, query = { ms = cfg.ms } }
end

return aggr.all(sources, { client = api, limit = cfg.limit, deadline = 10 })
