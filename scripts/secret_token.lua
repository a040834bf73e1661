#!/usr/bin/env -S aggr run
-- A token from the environment (API_TOKEN, or a file named by API_TOKEN_FILE): it is sent, and masked
-- wherever a log, an error or a report would show it.
local aggr = require "aggr"

local cfg = aggr.settings {
  base = { "http://127.0.0.1:9000", "where the API lives" },
  path = { "/orders", "what to get" },
}

local api = aggr.client {
  base = cfg.base,
  auth = { bearer = aggr.secret "API_TOKEN" },
  timeout = 5,
  deadline = 10,
}

return api:json(cfg.path)
