--- The options need and fallback of aggr.all (aggr.map has the same ones).
local aggr = require "aggr"
local support = require "rules.support"

local after, failing, raised = support.after, support.failing, support.raised
local usage, elapsed, near = support.usage, support.elapsed, support.near

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
