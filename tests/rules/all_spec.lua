--- aggr.all: what it returns, when, and with which report.
local aggr = require "aggr"
local support = require "rules.support"

local after, failing, raised = support.after, support.failing, support.raised
local usage, elapsed, near = support.usage, support.elapsed, support.near

describe("aggr.all", function()
  it("runs named sources at once and takes as long as the slowest", function()
    local data, report
    near(3, elapsed(function()
      data, report = aggr.all { a = after(1, "x"), b = after(3, "y"), c = after(2, "z") }
    end))
    assert.same({ a = "x", b = "y", c = "z" }, data)
    assert.is_true(report.complete)
    assert.same({ 3, 3, 0 }, { report.total, report.succeeded, report.failed })
    assert.same({ "a", "c", "b" }, report.order)
    near(3, report.elapsed)
  end)

  it("gives a failed source's state and Error and leaves its key out of a named table", function()
    local data, report = aggr.all { good = after(1, 1), bad = failing(2, "no") }
    assert.same({ good = 1 }, data)
    assert.is_false(report.complete)
    local entry = report.sources.bad
    assert.equal("error", entry.state)
    assert.equal("script", entry.error.kind)
    assert.equal("no", entry.error.value)
    assert.equal("bad", entry.error.source)
    near(2, entry.elapsed)
    assert.equal("ok", report.sources.good.state)
    assert.is_nil(report.sources.good.error)
  end)

  it("puts false for a failed source of a list, so that its length and order hold", function()
    local data = aggr.all { failing(1), after(2, "b"), failing(1) }
    assert.equal(3, #data)
    assert.same({ false, "b", false }, data)
  end)

  it("puts aggr.null for a list source that returns nil, and nothing for a named one", function()
    assert.same({ aggr.null, 2 }, (aggr.all { after(1, nil), after(1, 2) }))
    local data, report = aggr.all { a = after(1, nil) }
    assert.same({}, data)
    assert.is_true(report.complete)
  end)

  it("calls an empty table complete", function()
    local data, report = aggr.all {}
    assert.same({}, data)
    assert.is_true(report.complete)
    assert.same({ 0, 0, 0 }, { report.total, report.succeeded, report.failed })
    assert.same({}, report.sources)
  end)

  it("gives function sources their key", function()
    local function own(key) return key end
    assert.same({ a = "a", b = "b" }, (aggr.all { a = own, b = own }))
    assert.same({ 1, 2 }, (aggr.all { own, own }))
  end)

  it("R33: starts named sources in sorted order", function()
    local started = {}
    local function note(key) started[#started + 1] = key end
    aggr.all { d = note, b = note, a = note, c = note, e = note }
    assert.same({ "a", "b", "c", "d", "e" }, started)
  end)

  it("never runs more than `limit` at once, and 64 without it", function()
    local running, peak = 0, 0
    local function count()
      running = running + 1
      peak = math.max(peak, running)
      aggr.sleep(1)
      running = running - 1
    end
    local list = {}
    for i = 1, 200 do list[i] = count end
    near(67, elapsed(aggr.all, list, { limit = 3 }))
    assert.equal(3, peak)
    peak = 0
    aggr.all(list)
    assert.equal(64, peak)
  end)

  it("counts a function that returns nil and an Error as failed", function()
    local _, report = aggr.all { a = function() return aggr.try(error, "gone") end }
    assert.equal("error", report.sources.a.state)
    assert.equal("gone", report.sources.a.error.value)
  end)

  it("keeps the value of a source whose second value is an incomplete report, as `partial`", function()
    local data, report = aggr.all {
      whole = function() return aggr.all { after(1, 1) } end,
      part = function() return aggr.all { x = after(1, 1), y = failing(1) } end,
    }
    assert.same({ whole = { 1 }, part = { x = 1 } }, data)
    assert.equal("ok", report.sources.whole.state)
    assert.equal("partial", report.sources.part.state)
    assert.is_false(report.complete)
    assert.equal(1, report.failed)
  end)

  it("never settles kind usage: the call fails, when the others have been cancelled and waited for", function()
    local cleaned = false
    local took
    local err
    took = elapsed(function()
      err = raised(aggr.all, {
        slow = function()
          aggr.defer(function()
            aggr.sleep(1)
            cleaned = true
          end)
          aggr.sleep(100)
        end,
        wrong = function()
          aggr.sleep(1)
          aggr.all(12)
        end,
      })
    end)
    assert.equal("usage", err.kind)
    assert.is_true(cleaned)
    near(2, took)
  end)

  it("refuses mixed, holed and false entries, naming the key", function()
    usage("'a'", aggr.all, { after(1), a = after(1) })
    usage("hole at 2", aggr.all, { after(1), nil, after(1) })
    usage("source 1", aggr.all, { false })
    usage("source 'x'", aggr.all, { x = false })
    usage("source 'x'", aggr.all, { x = 12 })
    usage("1.5", aggr.all, { [1.5] = after(1) })
    usage("aggr.all takes a table, got nil", aggr.all)
    usage("aggr.all takes a table, got 12", aggr.all, 12)
  end)

  it("refuses options it doesn't know, with a suggestion, and values of the wrong shape", function()
    usage("unknown option 'dedline', did you mean 'deadline'?", aggr.all, {}, { dedline = 1 })
    usage("limit", aggr.all, {}, { limit = 0 })
    usage("limit", aggr.all, {}, { limit = 1.5 })
    usage("deadline", aggr.all, {}, { deadline = "soon" })
    usage("timeout", aggr.all, {}, { timeout = 0 })
    usage("fallback", aggr.all, {}, { fallback = 12 })
    usage("need", aggr.all, {}, { need = "user" })
    usage("client", aggr.all, { "/x" }, { client = 12 })
  end)

  it("makes the entries of a report only when they are read", function()
    local _, report = aggr.all { after(1, 1), failing(1) }
    assert.is_nil(rawget(report, "sources"))
    assert.equal("error", report.sources[2].state)
    assert.equal(report.sources, rawget(report, "sources"))
    local states = {}
    for key, entry in pairs(report.sources) do states[key] = entry.state end
    assert.same({ "ok", "error" }, states)
  end)

  it("has a report that encodes as JSON whether it was read or not", function()
    local _, report = aggr.all { a = after(1, 1), b = failing(1, "no") }
    local decoded = aggr.json.decode(aggr.json.encode(report))
    assert.equal("ok", decoded.sources.a.state)
    assert.equal("no", decoded.sources.b.error.message)
    assert.same({ "a", "b" }, decoded.order)
  end)

  it("sends URLs and request tables through the client and reports their attempts and transport", function()
    local client = aggr.client {
      base = "http://api.test", retry = { attempts = 2, backoff = 0.1 },
      transport = function(req)
        if req.url:find("bad", 1, true) then return { status = 500, body = "" } end
        if req.url:find("late", 1, true) then aggr.sleep(60) end
        return { status = 200, body = '{"path":"' .. req.url:match("[^/]*$") .. '"}' }
      end,
    }
    local data, report = aggr.all({ a = "/a", b = { url = "/b", as = "body" }, c = "/bad",
      d = { url = "/late", retry = false }, e = function() return client:json("/e") end }, { client = client })
    assert.same({ a = { path = "a" }, b = '{"path":"b"}', e = { path = "e" } }, data)
    assert.equal(1, report.sources.a.attempts)
    assert.equal("status", report.sources.c.error.kind)
    assert.equal(1, report.sources.c.attempts)
    assert.equal("c", report.sources.c.error.source)
    local transports = {}
    for key, entry in pairs(report.sources) do transports[key] = entry.transport end
    assert.same({ a = "fake", b = "fake", c = "fake", d = "fake" }, transports)
    assert.equal("timeout", report.sources.d.error.kind)
    local winner = select(3, aggr.first({ a = "/a" }, { client = client })).sources.a
    assert.same({ 1, "fake" }, { winner.attempts, winner.transport })
  end)

  it("settles 10,000 sources", function()
    local sources = {}
    local count = os.getenv "AGGR_TEST_GC" and 1000 or 10000
    for i = 1, count do sources[i] = after(i % 7, i) end
    local data, report = aggr.all(sources, { limit = count })
    assert.equal(count, #data)
    assert.equal(count, report.succeeded)
    assert.equal(777, data[777])
    near(6, report.elapsed)
  end)
end)

describe("the deadline of a call", function()
  it("ends aggr.all with what it has: running sources are `deadline`, unstarted ones `skipped`", function()
    local data, report
    near(2.5, elapsed(function()
      data, report = aggr.all({ after(1, "a"), after(9, "b"), after(9, "c") }, { limit = 2, deadline = 2.5 })
    end))
    assert.same({ "a", false, false }, data)
    assert.equal("ok", report.sources[1].state)
    assert.equal("deadline", report.sources[2].state)
    assert.equal("deadline", report.sources[2].error.kind)
    near(2.5, report.sources[2].elapsed)
    assert.equal("deadline", report.sources[3].state)
    near(1.5, report.sources[3].elapsed)
    local _
    _, report = aggr.all({ after(9), after(9) }, { limit = 1, deadline = 1 })
    assert.equal("skipped", report.sources[2].state)
    assert.is_nil(report.sources[2].elapsed)
    assert.same({ 1 }, report.order)
    assert.same({ 2, 0, 2 }, { report.total, report.succeeded, report.failed })
  end)

  it("waits for what the sources have deferred", function()
    local cleaned = false
    near(3, elapsed(aggr.all, { function()
      aggr.defer(function()
        aggr.sleep(2)
        cleaned = true
      end)
      aggr.sleep(9)
    end }, { deadline = 1 }))
    assert.is_true(cleaned)
  end)

  it("keeps the value of a source that finishes without another checkpoint (R14)", function()
    local data = aggr.all({ function()
      aggr.shield(5, aggr.sleep, 2)
      return "kept"
    end }, { deadline = 1 })
    assert.same({ "kept" }, data)
  end)

  it("may be zero or less: sources start and meet it at their first checkpoint", function()
    local data, report = aggr.all({ a = after(1, 1), b = function() return "quick" end }, { deadline = -1 })
    assert.same({ b = "quick" }, data)
    assert.equal("deadline", report.sources.a.state)
  end)

  it("yields to one further out, which passes through as a cancellation (R13)", function()
    local returned = false
    local err
    near(1, elapsed(function()
      err = raised(aggr.deadline, 1, function()
        aggr.all({ after(9) }, { deadline = 5 })
        returned = true
      end)
    end))
    assert.equal("deadline", err.kind)
    assert.is_false(returned)
  end)

  it("does not return early from a cancelled group either (R6)", function()
    local returned = false
    aggr.group(function(g)
      g:spawn(function()
        aggr.all { after(9) }
        returned = true
      end)
      aggr.sleep(1)
      g:cancel()
    end)
    assert.is_false(returned)
  end)

  it("is no failure when all sources end well although a cancellation came meanwhile (R4)", function()
    local data
    local err = raised(aggr.deadline, 1, function()
      data = aggr.all { function() return aggr.shield(5, function()
        aggr.sleep(2)
        return "done"
      end) end }
      aggr.sleep(0)
    end)
    assert.same({ "done" }, data)
    assert.equal("deadline", err.kind)
  end)
end)
