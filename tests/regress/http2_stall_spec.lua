--- Many HTTP/2 streams on one connection, some of them cancelled: when one ended, libcurl 7.88 forgot
--- what it had already read for the others, and they waited for bytes that had come long ago.
local nghttpd = require "e2e.nghttpd"
local support = require "e2e.support"

describe("HTTP/2 streams that share a connection", function()
  local server

  setup(function()
    server = nghttpd.start({ small = "small", large = ("0123456789"):rep(300000) }, true)
  end)

  teardown(function() server:stop() end)

  it("all go on when one of them ends or is cancelled", function()
    local got = support.value(([[
      local aggr = require "aggr"
      local base, ca = ...
      local api = aggr.client { base = base, tls = { ca = ca }, idle_timeout = %d }
      local items, failed = {}, {}
      for i = 1, 60 do items[i] = i end
      for round = 1, 12 do
        local _, report = aggr.map(items, function(i)
          if round %% 2 == 0 and i %% 4 == 0 then
            pcall(aggr.deadline, i / 5000, api.get, api, "/large")
          else
            api:get(i %% 6 == 0 and "/large" or "/small")
          end
        end)
        for _, entry in pairs(report.sources) do failed[#failed + 1] = entry.error and tostring(entry.error) end
      end
      return aggr.json.encode(failed)
    ]]):format(2 * support.slow), { args = { server.base, server.ca }, limit = 60 })
    assert.equal("[]", (got:gsub("{}", "[]")))
  end)
end)
