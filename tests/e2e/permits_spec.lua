--- Permits, counted by the peer: never more in flight than allowed, and always as many (R30, R31).
local support = require "e2e.support"

describe("requests in flight", function()
  support.guard(before_each, after_each)

  --- Runs `code` with `flags`; while it runs, calls `meanwhile(fixture)`.
  local function run(code, flags, meanwhile)
    local args = { "run" }
    for _, flag in ipairs(flags) do args[#args + 1] = flag end
    args[#args + 1] = support.file('local aggr = require "aggr"\n' .. code, ".lua")
    local running = support.start(args)
    meanwhile(support.fixture(), running)
    local got = running:finish(30)
    assert.equal(0, got.code, ("signal %s\n%s"):format(tostring(got.signal), got.err))
    return got
  end

  local function gated(listener, name)
    return support.fixture():url("/gate?name=" .. name, listener)
  end

  local MAP = [[
    local list = {}
    for i = 1, %d do list[i] = i end
    local _, report = aggr.map(list, function() return aggr.fetch(%q).status end, { limit = 500 })
    return report.succeeded
  ]]

  it("reach --concurrency exactly", function()
    run(MAP:format(100, gated("http", "c")), { "--concurrency", "16", "--per-host", "64" }, function(fixture)
      fixture:await { gate = "c", waiting = 16 }
      assert.equal(16, fixture:stats().in_flight)
      fixture:open("c", 1)
      fixture:await { gate = "c", waiting = 16, requests = 17 }
      fixture:open("c")
    end)
    local stats = support.fixture():stats()
    assert.equal(16, stats.peak)
    assert.equal(100, stats.requests)
  end)

  it("reach --per-host exactly, each host on its own", function()
    local code = [[
      local list = {}
      for i = 1, 60 do list[i] = i %% 3 + 1 end
      local urls = { %q, %q, %q }
      return (select(2, aggr.map(list, function(i) return aggr.fetch(urls[i]).status end, { limit = 500 }))).succeeded
    ]]
    run(code:format(gated("http2", "p2"), gated("http3", "p3"), gated("http4", "p4")), { "--per-host", "5" },
      function(fixture)
        fixture:await { in_flight = 15 }
        for i = 2, 4 do fixture:open("p" .. i) end
      end)
    local stats = support.fixture():stats()
    assert.equal(15, stats.peak)
    for i = 2, 4 do assert.equal(5, stats.listeners["http" .. i].peak) end
  end)

  it("reach a client's concurrency exactly, while others go on", function()
    local code = [[
      local narrow = aggr.client { concurrency = 3 }
      local list = {}
      for i = 1, 30 do list[i] = i end
      aggr.group(function(g)
        g:spawn(function()
          aggr.map(list, function() return narrow:fetch(%q).status end)
        end)
        g:spawn(function()
          aggr.map(list, function() return aggr.fetch(%q).status end)
        end)
      end)
    ]]
    local fixture = support.fixture()
    run(code:format(gated("http2", "n"), fixture:url("/json", "http3")), {}, function()
      fixture:await { gate = "n", waiting = 3, requests = 33 } -- all 30 of the others are through
      fixture:open("n")
    end)
    local listeners = fixture:stats().listeners
    assert.equal(3, listeners.http2.peak)
    assert.equal(30, listeners.http3.requests)
  end)

  it("are not held up on one host by another that hangs on all its permits", function()
    local code = [[
      local list = {}
      for i = 1, 40 do list[i] = i end
      aggr.group(function(g)
        g:spawn(function() aggr.map(list, function() return aggr.fetch(%q).status end) end)
        g:spawn(function() aggr.map(list, function() return aggr.fetch(%q).status end) end)
      end)
    ]]
    local fixture = support.fixture()
    run(code:format(gated("http2", "h"), fixture:url("/json", "http3")),
      { "--concurrency", "8", "--per-host", "4" }, function()
        fixture:await { gate = "h", waiting = 4, requests = 44 }
        fixture:open("h")
      end)
    assert.equal(4, fixture:stats().listeners.http2.peak)
  end)

  it("never exceed the permits, under time-outs, resets, retries, redirects and cancels", function()
    local fixture = support.fixture()
    local code = [[
      local base, list = %q, {}
      for i = 1, 400 do list[i] = i end
      local paths = {
        function(i) return { url = base .. "/json?id=" .. i } end,
        function() return { url = base .. "/hang?phase=head", timeout = 0.02 } end,
        function() return { url = base .. "/hang?phase=body", timeout = 0.02 } end,
        function() return { url = base .. "/redirect?hops=2" } end,
        function(i) return { url = base .. "/fail-then-ok?times=1&key=mix" .. i,
          retry = { attempts = 3, backoff = 0.001 } } end,
        function() return { url = base .. "/reset" } end,
        function() return { url = base .. "/truncate" } end,
        function() return { url = base .. "/bytes?n=100000", max_body = 1000 } end,
      }
      local kinds = {}
      local report = aggr.each(list, function(i)
        if i %% 10 == 0 then
          local mirrors = {}
          for n = 1, 3 do mirrors[n] = { url = base .. "/delay/" .. n .. "?ms=" .. n * 5 } end
          return aggr.first(mirrors)
        end
        local _, err = aggr.try(aggr.fetch, paths[i %% #paths + 1](i))
        local kind = err and err.kind or "ok"
        kinds[kind] = (kinds[kind] or 0) + 1
      end, { limit = 100 })
      return { kinds = kinds, failed = report.failed }
    ]]
    local got = run(code:format(fixture:url("")), { "--concurrency", "8" }, function() end)
    local result = require("cjson").decode(got.out)
    assert.equal(0, result.failed)
    assert.is_true((result.kinds.timeout or 0) > 0 and (result.kinds.too_large or 0) > 0
      and (result.kinds.truncated or 0) > 0, got.out)
    assert.equal(8, fixture:stats().peak)
  end)
end)
