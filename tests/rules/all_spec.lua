--- aggr.all and aggr.map: what they return, when, and with which report.
local aggr = require "aggr"

local function after(seconds, value)
  return function()
    aggr.sleep(seconds)
    return value
  end
end

local function failing(seconds, what)
  return function()
    aggr.sleep(seconds)
    error(what or "boom", 0)
  end
end

local function raised(fn, ...)
  local _, err = aggr.try(fn, ...)
  assert.is_truthy(err, "nothing was raised")
  return err
end

local function usage(message, fn, ...)
  local err = raised(fn, ...)
  assert.equal("usage", err.kind, tostring(err))
  assert.is_truthy(err.message:find(message, 1, true), err.message)
end

local function elapsed(fn, ...)
  local before = aggr.now()
  fn(...)
  return aggr.now() - before
end

local function near(expected, actual)
  assert.is_true(math.abs(expected - actual) < 1e-6, ("expected %g, got %g"):format(expected, actual))
end

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

  it("sends URLs and request tables through the client and reports their attempts", function()
    local client = aggr.client {
      base = "http://api.test", retry = { attempts = 2, backoff = 0.1 },
      transport = function(req)
        if req.url:find("bad", 1, true) then return { status = 500, body = "" } end
        return { status = 200, body = '{"path":"' .. req.url:match("[^/]*$") .. '"}' }
      end,
    }
    local data, report = aggr.all({ a = "/a", b = { url = "/b", as = "body" }, c = "/bad" }, { client = client })
    assert.same({ a = { path = "a" }, b = '{"path":"b"}' }, data)
    assert.equal(1, report.sources.a.attempts)
    assert.equal("status", report.sources.c.error.kind)
    assert.equal("c", report.sources.c.error.source)
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

describe("need", function()
  it("cancels and waits for the rest as soon as it can't be met, and raises the lost source's Error", function()
    local err
    near(1, elapsed(function()
      err = raised(aggr.all, { a = failing(1, "lost"), b = after(9), c = after(0.5, 1) }, { need = { "a" } })
    end))
    assert.equal("lost", err.value)
    assert.equal("a", err.source)
    assert.equal("cancelled", err.report.sources.b.state)
    assert.equal("ok", err.report.sources.c.state)
    assert.is_nil(err.suppressed)
  end)

  it("raises the first source that is needed, the others in `suppressed`", function()
    local err = raised(aggr.all, { a = failing(2, "second"), b = failing(1, "first") }, { need = { "a" } })
    assert.equal("second", err.value)
    assert.equal(1, #err.suppressed)
    assert.equal("first", err.suppressed[1].value)
  end)

  it("is met by what is there, whatever else fails", function()
    local data = aggr.all({ a = after(1, 1), b = failing(1) }, { need = { "a" } })
    assert.equal(1, data.a)
    data = aggr.all({ after(1, 1), failing(1), after(2, 2) }, { need = 2 })
    assert.same({ 1, false, 2 }, data)
  end)

  it("may be a number: raised as soon as too many are lost", function()
    local err
    near(2, elapsed(function()
      err = raised(aggr.all, { failing(1, "one"), failing(2, "two"), after(9) }, { need = 2 })
    end))
    assert.equal("one", err.value)
    assert.equal(1, err.source)
    assert.equal("two", err.suppressed[1].value)
  end)

  it("may be true: all of them", function()
    local err
    near(1, elapsed(function() err = raised(aggr.all, { a = failing(1, "x"), b = after(9) }, { need = true }) end))
    assert.equal("a", err.source)
  end)

  it("is lost at the deadline too, with kind deadline", function()
    local err = raised(aggr.all, { a = after(9), b = after(1) }, { need = { "a" }, deadline = 2 })
    assert.equal("deadline", err.kind)
    assert.equal("a", err.source)
    err = raised(aggr.all, { after(9), after(9) }, { need = { 2 }, deadline = 2, limit = 1 })
    assert.equal("deadline", err.kind)
    assert.equal(2, err.source)
    assert.equal("skipped", err.report.sources[2].state)
  end)

  it("counts a fallback as there, and a partial source", function()
    local data = aggr.all({ a = failing(1), b = after(3, 2) }, { need = true, fallback = { a = 0 } })
    assert.same({ a = 0, b = 2 }, data)
    data = aggr.all({ a = function() return aggr.all { x = failing(1) } end }, { need = true })
    assert.same({ a = {} }, data)
  end)

  it("is checked again when a fallback function had nothing to give", function()
    local err = raised(aggr.all, { a = failing(1, "lost"), b = after(3, 2) },
      { need = { "a" }, fallback = function() return nil end })
    assert.equal("lost", err.value)
    assert.equal("ok", err.report.sources.b.state)
  end)

  it("starts nothing more when it is lost in the very moment another source ends", function()
    local started = false
    raised(aggr.all, { after(1, 1), failing(1, "lost"), function() started = true end },
      { need = { 2 }, limit = 2 })
    assert.is_false(started)
  end)

  it("names only sources that exist", function()
    usage("'usr', which is not there, did you mean 'user'?", aggr.all, { user = after(1) }, { need = { "usr" } })
    usage("3", aggr.all, { after(1) }, { need = { 3 } })
    usage("only 1 sources", aggr.all, { after(1) }, { need = 2 })
    usage("need", aggr.all, { after(1) }, { need = 0 })
    usage("'usr'", aggr.all, { user = after(1) }, { fallback = { usr = 1 } })
  end)
end)

describe("fallback", function()
  it("stands in for a failed source, which still counts as failed", function()
    local data, report = aggr.all({ a = failing(1, "why"), b = after(1, 2) }, { fallback = { a = 0, b = 0 } })
    assert.same({ a = 0, b = 2 }, data)
    assert.equal("fallback", report.sources.a.state)
    assert.equal("why", report.sources.a.error.value)
    assert.is_false(report.complete)
    assert.equal(1, report.failed)
  end)

  it("stands in at the deadline, for unstarted sources too", function()
    local data, report = aggr.all({ after(9), after(9) }, { fallback = { "x", "y" }, deadline = 1, limit = 1 })
    assert.same({ "x", "y" }, data)
    assert.equal("fallback", report.sources[2].state)
  end)

  it("may be a function of key and Error, called in the caller and free to wait", function()
    local data, report
    near(3, elapsed(function()
      data, report = aggr.all({ a = failing(1, "why"), b = after(9) }, {
        deadline = 2,
        fallback = function(key, err)
          if key == "a" then return key .. ":" .. err.value end
          aggr.sleep(1)
          return err.kind
        end,
      })
    end))
    assert.same({ a = "a:why", b = "deadline" }, data)
    assert.equal("fallback", report.sources.b.state)
  end)

  it("functions are called in key order", function()
    local called = {}
    aggr.all({ a = failing(3), b = failing(1), c = failing(2) }, {
      fallback = function(key) called[#called + 1] = key end,
    })
    assert.same({ "a", "b", "c" }, called)
  end)

  it("that is misused fails the call", function()
    local err = raised(aggr.all, { a = failing(1) }, { fallback = function() return aggr.all(12) end })
    assert.equal("usage", err.kind)
  end)

  it("that fails leaves the source lost, with its Error suppressed by the source's", function()
    local data, report = aggr.all({ a = failing(1, "why") }, { fallback = function() error("worse", 0) end })
    assert.same({}, data)
    local entry = report.sources.a
    assert.equal("error", entry.state)
    assert.equal("why", entry.error.value)
    assert.equal("worse", entry.error.suppressed[1].value)
  end)
end)

describe("aggr.map", function()
  it("calls fn(item, key) and keeps order and keys", function()
    local data = aggr.map({ 3, 1, 2 }, function(item, key)
      aggr.sleep(item)
      return item * 10 + key
    end)
    assert.same({ 31, 12, 23 }, data)
    assert.same({ a = "1a" }, (aggr.map({ a = 1 }, function(item, key) return item .. key end)))
  end)

  it("does not even start items beyond `limit`", function()
    local started = 0
    aggr.map({ 1, 2, 3, 4, 5 }, function()
      started = started + 1
      aggr.sleep(9)
    end, { limit = 2, deadline = 1 })
    assert.equal(2, started)
  end)

  it("takes false for an item: it may be what aggr.all has put for a failed source", function()
    assert.same({ "1", "false" }, (aggr.map({ 1, false }, tostring)))
  end)

  it("encodes an empty result as an array", function()
    assert.equal("[]", aggr.json.encode((aggr.map({}, tostring))))
  end)

  it("refuses a function that is none, and options that are not its own", function()
    usage("function(item, key)", aggr.map, { 1 })
    usage("unknown option 'client'", aggr.map, { 1 }, tostring, { client = 1 })
  end)

  it("nests: each call has its own limit and deadline", function()
    local took = elapsed(function()
      local data = aggr.map({ 1, 2 }, function()
        local inner = aggr.map({ 1, 1, 9 }, function(s)
          aggr.sleep(s)
          return s
        end, { limit = 1, deadline = 3 })
        return #inner
      end, { limit = 1 })
      assert.same({ 3, 3 }, data)
    end)
    near(6, took)
  end)
end)
