--- http = "2" without TLS: libcurl 7.88 broke the connection with the second request on it.
local nghttpd = require "e2e.nghttpd"
local support = require "e2e.support"

describe("HTTP/2 without TLS", function()
  local server

  setup(function() server = nghttpd.start { ["item.json"] = '{"id":1}' } end)
  teardown(function() server:stop() end)

  it("carries requests one after another, at once and after cancelled ones", function()
    local got = support.value([[
      local aggr = require "aggr"
      local api = aggr.client { base = ..., http = "2" }
      local function fetched(count)
        local items = {}
        for i = 1, count do items[i] = i end
        local _, report = aggr.map(items, function() assert(api:json("/item.json").id == 1) end)
        return report.succeeded
      end
      local one = 0
      for _ = 1, 5 do one = one + fetched(1) end
      local many = fetched(50)
      for i = 1, 30 do pcall(aggr.deadline, i / 10000, api.get, api, "/item.json") end
      return { one, many, fetched(50), api:get("/item.json").http }
    ]], { args = { server.base } })
    assert.same({ 5, 50, 50, "2" }, got)
  end)
end)
