#!/usr/bin/env -S aggr run
-- The same slow APIs one after another: what fan_out.lua is compared with in scripts/demo.
local aggr = require "aggr"

local cfg = aggr.settings {
  base  = { "http://127.0.0.1:9000", "where the APIs live" },
  count = { 2, "how many APIs" },
  ms    = { 900, "how slow each of them is" },
}

local api = aggr.client { base = cfg.base, deadline = 10 }

local data = {}
for i = 1, cfg.count do
  data["api" .. i] = api:json("/api/service" .. i, { query = { ms = cfg.ms } })
end
return data
