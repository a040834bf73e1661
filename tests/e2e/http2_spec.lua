--- HTTP/2, against nghttpd.
local nghttpd = require "e2e.nghttpd"
local support = require "e2e.support"

describe("HTTP/2", function()
  local server

  setup(function()
    server = nghttpd.start({ ["item.json"] = '{"id":1}', large = ("0123456789"):rep(300000) }, true)
  end)

  teardown(function() server:stop() end)

  local function value(code)
    return support.value('local aggr = require "aggr"\nlocal base, ca = ...\n' .. code,
      { args = { server.base, server.ca } })
  end

  it("is used when the server offers it, and HTTP/1.1 when it does not or http = '1.1'", function()
    local plain = support.fixture():tls_url("/json")
    local got = support.value([[
      local aggr = require "aggr"
      local base, plain, ca = ...
      local api = aggr.client { base = base, tls = { ca = ca } }
      local one, two = api:fetch("/item.json"), aggr.fetch { url = plain, tls = { ca = ca } }
      local _, err = aggr.try(api.fetch, api, "/item.json", { http = "1.1" })
      return { one.http, one:json().id, two.http, err.kind }
    ]], { args = { server.base, plain, server.ca } })
    assert.same({ "2", 1, "1.1" }, { got[1], got[2], got[3] })
    assert.is_string(got[4]) -- nghttpd speaks nothing else
  end)

  it("carries many requests at once, and large bodies whole", function()
    local got = value [[
      local api = aggr.client { base = base, tls = { ca = ca }, http = "2" }
      local sources = {}
      for i = 1, 100 do sources[i] = function() return #api:fetch(i % 10 == 0 and "/large" or "/item.json").body end end
      local data, report = aggr.all(sources, { limit = 100 })
      local sum = 0
      for _, size in ipairs(data) do sum = sum + size end
      return { report.succeeded, sum }
    ]]
    assert.same({ 100, 10 * 3000000 + 90 * 8 }, got)
  end)

  it("carries all that is in flight to one server on one connection", function()
    local got = value([[
      local port = ("%04X"):format(base:match("%d+$"))
      local function established()
        local count = 0
        for line in io.lines("/proc/net/tcp") do
          if line:find("%x+:%x+ %x+:" .. port .. " 01 ") then count = count + 1 end
        end
        return count
      end
      local api = aggr.client { base = base, tls = { ca = ca }, http = "2" }
      local most = 0
      local _, report = aggr.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, function()
        api:get("/item.json")
        most = math.max(most, established())
      end)
      return { report.succeeded, most }]])
    assert.same({ 12, 1 }, got)
  end)

  it("knows 404 and a body over max_body, and goes on after each", function()
    local got = value [[
      local api = aggr.client { base = base, tls = { ca = ca }, max_body = 1000 }
      local kinds = {}
      for i, path in ipairs { "/nothing", "/large", "/item.json" } do
        local _, err = aggr.try(api.fetch, api, path)
        kinds[i] = err and err.kind or "ok"
      end
      return kinds
    ]]
    assert.same({ "status", "too_large", "ok" }, got)
  end)
end)
