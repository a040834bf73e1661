--- Name look-ups that hang, fail or are slow: never on the loop, one per name, given up in time (facts 1).
--- getaddrinfo is replaced by tests/e2e/getaddrinfo.c through LD_PRELOAD.
local outcomes = require "e2e.outcomes"
local posix = require "e2e.posix"
local support = require "e2e.support"

local library = os.getenv("AGGR_LOOKUPS") or support.bin:gsub("[^/]+$", "aggr-lookups.so")

describe("a name look-up", function()
  support.guard(before_each, after_each)

  local log

  --- A look-up that hangs is left over, and the audit says so.
  local function options(extra)
    log = support.file("", ".log")
    local asan = os.getenv("ASAN_OPTIONS")
    local all = { env = { LD_PRELOAD = library, AGGR_LOOKUPS_LOG = log, AGGR_AUDIT = false,
      ASAN_OPTIONS = (asan and asan .. ":" or "") .. "verify_asan_link_order=0" }, limit = 15 }
    for name, value in pairs(extra or {}) do all[name] = value end
    return all
  end

  --- Look-ups of `name` so far.
  local function looked_up(name)
    local _, times = support.read(log):gsub(name:gsub("%p", "%%%0") .. "\n", "")
    return times
  end

  local function url(name, path)
    return ("http://%s:%d%s"):format(name, support.fixture().port, path or "/json")
  end

  it("finds the replacement library", function()
    assert.is_true(posix.exists(library), library)
  end)

  it("that hangs is a time-out in phase dns, and nobody waits for its thread", function()
    local ended, process = outcomes.of({
      { url = url("a.hang"), timeout = 0.2 }, { url = url("b.hang"), connect_timeout = 0.2 },
    }, options())
    for _, got in ipairs(ended) do
      assert.equal("timeout", got.kind, got.text)
      assert.equal("dns", got.phase, got.text)
      assert.is_true(got.elapsed >= 0.2 and got.elapsed < 4)
    end
    assert.is_true(process.elapsed < 8, "left at once: " .. process.elapsed)
  end)

  it("that hangs starves nobody, a hundred of them neither", function()
    local got = support.value(([[
      local aggr = require "aggr"
      local data, report
      local list = {}
      for i = 1, 100 do list[i] = i end
      aggr.group(function(g)
        local hung = g:spawn(function()
          return select(2, aggr.map(list, function(i)
            return aggr.fetch { url = "http://n" .. i .. ".hang/", timeout = 1.5 }
          end, { limit = 100 }))
        end)
        aggr.sleep(0.1)
        local began = aggr.now()
        aggr.fetch { url = %q, timeout = 1 }
        data = { quick = aggr.now() - began }
        report = hung:wait()
      end)
      data.failed = report.failed
      local phases = {}
      for i = 1, 100 do
        local err = report.sources[i].error
        phases[err.kind .. " " .. tostring(err.phase)] = true
      end
      data.phases = phases
      return data
    ]]):format(support.fixture():url("/json")), options())
    assert.is_true(got.quick < 1, tostring(got.quick))
    assert.equal(100, got.failed)
    assert.same({ ["timeout dns"] = true }, got.phases)
  end)

  it("that hangs does not outlive a deadline or a signal", function()
    local code = ('return require("aggr").fetch { url = %q, timeout = false }'):format(url("c.hang"))
    local deadline = support.script(code, options { flags = { "--deadline", "300ms" } })
    assert.equal(6, deadline.code, deadline.err)
    assert.is_true(deadline.elapsed < 8)

    local path = support.file(('return require("aggr").fetch(%q)'):format(url("d.hang")), ".lua")
    local running = support.start({ "run", path }, options())
    local limit = posix.now() + 10
    while looked_up("d.hang") == 0 and posix.now() < limit do end
    running:signal("INT")
    local got = running:finish(10)
    assert.equal(130, got.code, got.err)
  end)

  it("that fails is kind dns and names the host", function()
    local got = outcomes.one({ url = url("gone.fail"), timeout = 5 }, options())
    assert.equal("dns", got.kind, got.text)
    assert.equal("dns", got.phase)
    assert.truthy(got.text:find("gone.fail", 1, true), got.text)
  end)

  it("is made once for many who ask at once, and remembered", function()
    local got = support.value(([[
      local aggr = require "aggr"
      local list = {}
      for i = 1, 50 do list[i] = i end
      local _, report = aggr.map(list, function() return aggr.fetch(%q).status end)
      aggr.fetch(%q)
      return report.succeeded
    ]]):format(url("one.slow"), url("one.slow")), options())
    assert.equal(50, got)
    assert.equal(1, looked_up("one.slow"))
  end)

  it("is not needed for an address, nor for what `resolve` fixes", function()
    local ended = outcomes.of({
      { url = support.fixture():url("/json") },
      { url = url("fixed.hang"), resolve = { ["fixed.hang"] = "127.0.0.1" }, timeout = 3 },
    }, options())
    assert.equal(200, ended[1].status, ended[1].text)
    assert.equal(200, ended[2].status, ended[2].text)
    assert.equal("", support.read(log))
  end)

  it("does not mix up clients that resolve one name differently", function()
    local fixture = support.fixture()
    local ended = outcomes.of({
      { url = url("same.slow"), resolve = { ["same.slow"] = "127.0.0.1" } },
      { url = url("same.slow"), resolve = { ["same.slow"] = "127.0.0.9" }, timeout = 1 },
      { url = url("same.slow") },
    }, options())
    assert.equal(200, ended[1].status, ended[1].text)
    assert.equal("connect", ended[2].kind, ended[2].text)
    assert.equal(200, ended[3].status, ended[3].text)
    assert.equal(2, fixture:stats().accepted)
  end)
end)
