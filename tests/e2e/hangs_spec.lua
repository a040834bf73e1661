--- A peer or a resolver that hangs: the kind and the phase of the time-out, in every phase (R25, R30).
local outcomes = require "e2e.outcomes"
local support = require "e2e.support"

describe("a request that hangs", function()
  support.guard(before_each, after_each)

  local function url(path, listener)
    return support.fixture():url(path, listener)
  end

  local function check(got, phase, least)
    assert.equal("timeout", got.kind, got.text)
    assert.equal(phase, got.phase, got.text)
    assert.is_true(got.elapsed >= least and got.elapsed < least + 4, tostring(got.elapsed))
    assert.truthy(got.timing and got.timing.total >= least - 0.001, got.text)
  end

  it("times out in connect, tls, write, wait and body", function()
    local body = ("x"):rep(12 * 1024 * 1024)
    local expected = { "connect", "tls", "wait", "body", "write" }
    local ended = outcomes.of {
      { url = url("/", "stuck"), timeout = 0.2 },
      { url = support.fixture():tls_url("/", "silent"), timeout = 0.2 },
      { url = url("/hang?phase=head"), timeout = 0.2 },
      { url = url("/hang?phase=body"), timeout = 0.2 },
      { url = url("/hang?phase=write"), method = "POST", body = body, timeout = 0.4 },
    }
    for i, phase in ipairs(expected) do check(ended[i], phase, i == 5 and 0.4 or 0.2) end
  end)

  it("times out early in connect and tls with connect_timeout, and only there", function()
    local ended = outcomes.of {
      { url = url("/", "stuck"), connect_timeout = 0.2 },
      { url = support.fixture():tls_url("/", "silent"), connect_timeout = "200ms" },
      { url = url("/delay?ms=" .. 400 * support.slow), connect_timeout = 0.2 * support.slow },
    }
    check(ended[1], "connect", 0.2)
    check(ended[2], "tls", 0.2)
    assert.equal(200, ended[3].status, ended[3].text)
  end)

  it("times out of silence with idle_timeout, which every byte renews", function()
    local ended = outcomes.of {
      { url = url("/hang?phase=head"), idle_timeout = 0.2 },
      { url = url("/hang?phase=body"), idle_timeout = 0.2 },
      { url = url("/drip?bytes=8&every_ms=100"), idle_timeout = 0.6 * support.slow },
    }
    check(ended[1], "wait", 0.2)
    check(ended[2], "body", 0.2)
    assert.equal("abcdefgh", ended[3].body, ended[3].text)
  end)

  it("times out although bytes keep coming", function()
    check(outcomes.one { url = url("/drip?bytes=1000&every_ms=20"), timeout = 0.3 }, "body", 0.3)
  end)

  it("does not count the wait for a permit as its own time", function()
    local got = support.value(([[
      local aggr = require "aggr"
      local api = aggr.client { concurrency = 1 }
      local data = aggr.all({
        a = { url = %q, timeout = 5 },
        b = function() aggr.sleep(0.05) return api:fetch(%q, { timeout = 0.3 }).timing end,
      }, { client = api })
      return data.b
    ]]):format(url("/delay?ms=600"), url("/json")))
    assert.is_true(got.queue > 0.4, tostring(got.queue))
  end)

  it("ends with kind deadline in the permit queue, too", function()
    local got = support.value(([[
      local aggr = require "aggr"
      local api = aggr.client { concurrency = 1 }
      local data = aggr.all({
        a = function() return select(2, aggr.try(api.fetch, api, %q, { timeout = 1 })).kind end,
        b = function()
          aggr.sleep(0.05)
          return select(2, aggr.try(aggr.deadline, 0.2, function() return api:fetch(%q) end)).kind
        end,
      })
      return data
    ]]):format(url("/hang?phase=head"), url("/json")))
    assert.same({ a = "timeout", b = "deadline" }, got)
    assert.equal(1, support.fixture():stats().requests)
  end)

  it("times out as its call says, or else its scope, its client, the command line", function()
    local got = support.value([[
      local aggr = require "aggr"
      local hang = arg[1]
      local function reason(source, options)
        local _, report = aggr.all({ a = source }, options)
        return report.sources.a.error.kind .. " " .. report.sources.a.state
      end
      local slow, quick = aggr.client { timeout = 60 }, aggr.client { timeout = 0.05 }
      return {
        reason({ url = hang, timeout = 0.05 }, { timeout = 60, client = slow }),
        reason({ url = hang }, { timeout = 0.05, client = slow }),
        reason({ url = hang }, { client = quick }),
        reason({ url = hang }),
        reason(function()
          aggr.map({ hang }, function(url) aggr.fetch(url) end, { timeout = 0.05, need = true })
        end, { timeout = 60 }),
      }]], { args = { url("/hang?phase=head") }, flags = { "--timeout", "50ms", "--partial-ok" } })
    for i = 1, 5 do assert.equal("timeout error", got[i], i) end
  end)

  it("leaves the process within a moment of the run's deadline", function()
    local got = support.script(('return require("aggr").fetch(%q)'):format(url("/hang?phase=head")),
      { flags = { "--deadline", "300ms" }, limit = 10 })
    assert.equal(6, got.code, got.err)
    assert.is_true(got.elapsed < 5, tostring(got.elapsed))
  end)

  it("ends on SIGINT in every phase", function()
    local fixture = support.fixture()
    for _, target in ipairs { url("/", "stuck"), fixture:tls_url("/", "silent"), url("/hang?phase=head"),
      url("/hang?phase=body") } do
      local path = support.file(([[io.stderr:write("up\n") return require("aggr").fetch(%q)]]):format(target), ".lua")
      local running = support.start { "run", path }
      if target:find("hang") then
        fixture:await { in_flight = 1 }
      elseif target:find("https") then
        fixture:await { accepted = 1 }
      else
        while not running:stderr_so_far():find("up") do end
      end
      running:signal("INT")
      local got = running:finish(10)
      assert.equal(130, got.code, target .. got.err)
      fixture:reset()
    end
  end)
end)
