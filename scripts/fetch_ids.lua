#!/usr/bin/env -S aggr run
-- One request per line of stdin, one JSON line out for each; a million lines need no more memory than
-- a hundred:
--     seq 1000000 | aggr run scripts/fetch_ids.lua --set base=http://api.example > items.ndjson
-- Exit code 3 when some ids failed (summary on stderr).
local aggr = require "aggr"

local cfg = aggr.settings {
  base  = { "http://127.0.0.1:9000", "where the API lives" },
  path  = { "/items/", "what comes before the id" },
  limit = { 32, "requests at once" },
}

local api = aggr.client { base = cfg.base, timeout = 5, retry = 2, deadline = 20 }

aggr.each(aggr.lines("-"), function(id)
  local item = api:json(cfg.path .. "{id}", { vars = { id = id } })
  aggr.emit { id = item.id, name = item.name }
end, { limit = cfg.limit })
