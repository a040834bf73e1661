--- Permits, queues and fairness, counted at the peer (R30, R31); few descriptors; cancelling.
local support = require "e2e.support"

describe("limits", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()

  local PRELUDE = [[
    local aggr = require "aggr"
    local function many(n, url)
      local sources = {}
      for i = 1, n do sources[i] = url end
      return sources
    end
  ]]

  local function value(code, options)
    return support.value(PRELUDE .. code, options)
  end

  it("R30: no more in flight than --concurrency, at the peer's own count", function()
    local got = value([[
      local _, report = aggr.all(many(300, arg[1]), { limit = 300 })
      return report.succeeded
    ]], { args = { fixture:url("/delay?ms=2") }, flags = { "--concurrency", "7" } })
    assert.equal(300, got)
    assert.equal(7, fixture:stats().peak)
    assert.is_true(fixture:stats().accepted <= 7 * 2)
  end)

  it("R30: no more per host than --per-host, while hosts add up", function()
    local got = value([[
      local sources = {}
      for i = 1, 200 do sources[i] = arg[1 + i % 4] end
      local _, report = aggr.all(sources, { limit = 200 })
      return report.succeeded
    ]], { args = { fixture:url("/delay?ms=5"), fixture:url("/delay?ms=5", "http2"), fixture:url("/delay?ms=5", "http3"),
      fixture:url("/delay?ms=5", "http4") }, flags = { "--per-host", "3" } })
    assert.equal(200, got)
    local stats = fixture:stats()
    for _, name in ipairs { "http", "http2", "http3", "http4" } do assert.equal(3, stats.listeners[name].peak, name) end
    assert.equal(12, stats.peak)
  end)

  it("R30: a client's own concurrency, below the process's", function()
    value([[
      local api = aggr.client { base = arg[1], concurrency = 2 }
      local _, report = aggr.all(many(30, "/delay?ms=3"), { client = api, limit = 30 })
      return report.succeeded
    ]], { args = { fixture:url("") } })
    assert.equal(2, fixture:stats().peak)
  end)

  it("R30: a client's own limit per host, each host on its own", function()
    local got = value([[
      local api = aggr.client { per_host = 2, concurrency = 100 }
      local sources = {}
      for i = 1, 60 do sources[i] = arg[1 + i % 2] end
      local _, report = aggr.all(sources, { client = api, limit = 60 })
      return report.succeeded
    ]], { args = { fixture:url("/delay?ms=3"), fixture:url("/delay?ms=3", "http2") } })
    assert.equal(60, got)
    local stats = fixture:stats()
    assert.same({ 2, 2 }, { stats.listeners.http.peak, stats.listeners.http2.peak })
  end)

  it("R30: cancelled and timed out requests give their permits back at once", function()
    local got = value([[
      local hung = aggr.all(many(40, { url = arg[1] .. "/hang?phase=head", timeout = 0.05 }), { limit = 40 })
      aggr.first(many(8, arg[1] .. "/json"), { limit = 8 })
      local _, report = aggr.all(many(50, arg[1] .. "/json"), { limit = 50 })
      return { #hung, report.succeeded }, report
    ]], { args = { fixture:url("") }, flags = { "--concurrency", "4" } })
    assert.same({ 40, 50 }, got)
    assert.is_true(fixture:stats().peak <= 4)
  end)

  it("R30: waiting for a permit does not use up the timeout, and is timing.queue", function()
    local got = value([[
      local queued = 0
      local _, report = aggr.all((function()
        local sources = {}
        for i = 1, 8 do
          sources[i] = function()
            local res = aggr.fetch { url = arg[1], timeout = 1 }
            queued = math.max(queued, res.timing.queue)
            return res.status
          end
        end
        return sources
      end)(), { limit = 8 })
      return { report.succeeded, queued > 1.5 }
    ]], { args = { fixture:url("/delay?ms=300") }, flags = { "--concurrency", "1" } })
    assert.same({ 8, true }, got)
  end)

  it("R31: a host that hangs on all its permits slows no other", function()
    local got = value([[
      local slowest = 0
      aggr.group(function(g)
        local hanging = {}
        for i = 1, 50 do hanging[i] = g:spawn(aggr.fetch, { url = arg[1], timeout = 60 }) end
        aggr.sleep(0.05)
        for i = 1, 50 do
          local began = aggr.now()
          aggr.fetch(arg[2])
          slowest = math.max(slowest, aggr.now() - began)
        end
        g:cancel()
      end)
      return slowest
    ]], { args = { fixture:url("/hang?phase=head"), fixture:url("/json", "http2") } })
    assert.is_true(got < 1 * support.slow, got)
    assert.equal(32, fixture:stats().listeners.http.peak)
  end)

  it("R31: first come, first served within a host", function()
    local got = value([[
      local order = {}
      aggr.group(function(g)
        for i = 1, 20 do
          g:spawn(function() aggr.fetch(arg[1] .. i) order[#order + 1] = i end)
        end
      end)
      return order
    ]], { args = { fixture:url("/json/") }, flags = { "--concurrency", "1" } })
    for i = 1, 20 do assert.equal(i, got[i]) end
  end)

  it("works with 64 descriptors: permits are clamped, one line says so, nothing is lost", function()
    local result = support.script(PRELUDE .. [[
      local _, report = aggr.all(many(200, arg[1]), { limit = 200 })
      return report.succeeded
    ]], { args = { fixture:url("/delay?ms=5") }, open_files = 64 })
    assert.equal(0, result.code, result.err)
    assert.equal("200", (result.out:gsub("%s", "")))
    local _, lines = result.err:gsub("\n", "\n")
    assert.equal(1, lines, result.err)
    assert.truthy(result.err:find("descriptor", 1, true) or result.err:find("open files", 1, true), result.err)
  end)

  it("R25: a cancelled request's connection is closed while the script goes on", function()
    local running = support.start({ "run", support.file(PRELUDE .. [[
      aggr.first { arg[1] .. "/json", arg[1] .. "/hang?phase=head", arg[1] .. "/hang?phase=body" }
      aggr.fetch(arg[1] .. "/gate?name=after")
      return "ended"
    ]], ".lua"), fixture:url("") })
    local stats = fixture:await { gate = "after", aborted = 1, in_flight_most = 1 }
    assert.equal(1, stats.in_flight)
    fixture:open("after")
    assert.equal('"ended"\n', running:finish().out)
  end)

  it("two thousand at once through few permits, none lost", function()
    local got = value([[
      local sum = 0
      local _, report = aggr.map((function() local t = {} for i = 1, 2000 do t[i] = i end return t end)(),
        function(i)
          local id = aggr.fetch(arg[1] .. i):json().id
          sum = sum + id
        end, { limit = 500 })
      return { report.succeeded, sum }
    ]], { args = { fixture:url("/items/") } })
    assert.same({ 2000, 2000 * 2001 / 2 }, got)
    assert.is_true(fixture:stats().peak <= 32)
  end)
end)
