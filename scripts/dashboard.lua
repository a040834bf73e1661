#!/usr/bin/env -S aggr run
-- One user's dashboard from three APIs at once.
-- Exit code 0: complete; 3: something optional is missing; 4: the user is.
local aggr = require "aggr"

local cfg = aggr.settings {
  base = { "http://127.0.0.1:9000", "where the APIs live" },
  user = { 42, "id of the user" },
}

local api = aggr.client { base = cfg.base, timeout = 2, retry = 1 }

local data, report = aggr.all({
  user   = { url = "/users/{id}", vars = { id = cfg.user } },
  orders = { url = "/users/{id}/orders", vars = { id = cfg.user } },
  price  = function() return api:json("/price").eur end,
}, { client = api, deadline = 5, need = { "user" }, fallback = { price = 0 } })

return data, report
