--- http = "2" without TLS: libcurl 7.88 broke the connection with the second request on it.
local posix = require "e2e.posix"
local process = require "e2e.process"
local support = require "e2e.support"

describe("HTTP/2 without TLS", function()
  local server, base

  setup(function()
    local root = support.folder() .. "/plain_h2"
    os.execute("mkdir -p " .. root)
    local file = assert(io.open(root .. "/item.json", "wb"))
    file:write('{"id":1}')
    file:close()
    local port = posix.free_port()
    server = process.start { "nghttpd", "--no-tls", "-d", root, tostring(port) }
    assert.is_true(posix.await_listener(port, 10 * support.slow), "nghttpd does not start")
    base = "http://localhost:" .. port
  end)

  teardown(function()
    server:signal("TERM")
    server:wait(5)
  end)

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
    ]], { args = { base } })
    assert.same({ 5, 50, 50, "2" }, got)
  end)
end)
