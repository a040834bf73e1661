#!/usr/bin/env -S aggr run
-- The same document from whichever mirror answers first; the slower request is cancelled.
local aggr = require "aggr"

local cfg = aggr.settings {
  base   = { "http://127.0.0.1:9000", "the first mirror" },
  mirror = { "http://127.0.0.1:9001", "the second mirror" },
  path   = { "/json?id=1", "what to get" },
}

local value, winner = aggr.first({
  first  = cfg.base .. cfg.path,
  second = cfg.mirror .. cfg.path,
}, { deadline = 5 })

return { from = winner, value = value }
