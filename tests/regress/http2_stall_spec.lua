--- Many HTTP/2 streams on one connection, some of them cancelled: when one ended, libcurl 7.88 forgot
--- what it had already read for the others, and they waited for bytes that had come long ago.
local posix = require "e2e.posix"
local process = require "e2e.process"
local support = require "e2e.support"

describe("HTTP/2 streams that share a connection", function()
  local server, base, ca

  setup(function()
    local certs = support.fixture().certs
    local root = support.folder() .. "/h2_stall"
    os.execute("mkdir -p " .. root)
    for name, content in pairs { small = "small", large = ("0123456789"):rep(300000) } do
      local file = assert(io.open(root .. "/" .. name, "wb"))
      file:write(content)
      file:close()
    end
    local port = posix.free_port()
    server = process.start { "nghttpd", "-d", root, tostring(port), certs .. "/good.key", certs .. "/good.pem" }
    assert.is_true(posix.await_listener(port, 10 * support.slow), "nghttpd does not start")
    base, ca = "https://localhost:" .. port, certs .. "/ca.pem"
  end)

  teardown(function()
    server:signal("TERM")
    server:wait(5)
  end)

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
    ]]):format(2 * support.slow), { args = { base, ca }, limit = 60 })
    assert.equal("[]", (got:gsub("{}", "[]")))
  end)
end)
