#!/usr/bin/env -S aggr run
-- POST a JSON document for each order of a file (or stdin), one object per line; POST is not repeated
-- when it fails, because the first one may have arrived.
local aggr = require "aggr"

local cfg = aggr.settings {
  base = { "http://127.0.0.1:9000", "where the API lives" },
  file = { "-", "orders, one JSON object per line" },
}

local api = aggr.client { base = cfg.base, timeout = 5, deadline = 10 }

local orders = {}
for line in aggr.lines(cfg.file) do
  orders[#orders + 1] = aggr.json.decode(line)
end

local created, report = aggr.map(orders, function(order)
  local answer = api:post("/orders", { json = order, expect = 201 }):json()
  return { id = answer.id, product = order.product }
end, { limit = 8 })

return { created = created }, report
