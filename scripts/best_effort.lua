#!/usr/bin/env -S aggr run
-- Retries, a deadline for everything together, and stand-ins for what does not come: what must be there
-- is named in `need`, the rest may fail without failing the run.
local aggr = require "aggr"

local cfg = aggr.settings {
  base     = { "http://127.0.0.1:9000", "where the APIs live" },
  deadline = { "3s", "when to go on with what is there" },
}

local api = aggr.client { base = cfg.base, timeout = "1s", retry = { attempts = 2, backoff = "50ms" } }

local data, report = aggr.all({
  catalogue = "/json?id=1",
  stock     = "/fail-then-ok?key=stock&times=1",
  rating    = "/status/500",
  advert    = "/hang?phase=head",
}, {
  client = api,
  deadline = cfg.deadline,
  need = { "catalogue", "stock" },
  fallback = { rating = "unknown" },
})

aggr.log.info("collected", { ok = report.succeeded, of = report.total })
return data, report
