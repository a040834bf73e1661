--- R23: aggr.first.
local aggr = require "aggr"
local support = require "rules.support"

local after, failing, raised, near = support.after, support.failing, support.raised, support.near

describe("R23: aggr.first", function()
  it("gives the first success and its key, cancels the others and waits for them", function()
    local cleaned = false
    local before = aggr.now()
    local value, key, report = aggr.first {
      slow = function()
        aggr.defer(function()
          aggr.sleep(1)
          cleaned = true
        end)
        aggr.sleep(9)
      end,
      quick = after(2, "won"),
    }
    assert.same({ "won", "quick" }, { value, key })
    assert.is_true(cleaned)
    near(3, aggr.now() - before)
    assert.is_true(report.complete)
    assert.equal("cancelled", report.sources.slow.state)
    assert.equal("ok", report.sources.quick.state)
  end)

  it("keeps to the first of several that end in one moment", function()
    local value, key, report = aggr.first { after(1, "a"), after(1, "b") }
    assert.same({ "a", 1 }, { value, key })
    assert.equal("ok", report.sources[2].state)
  end)

  it("goes on after failures and keeps the losers' Errors in its report", function()
    local value, key, report = aggr.first { failing(1, "down"), after(2, "up") }
    assert.same({ "up", 2 }, { value, key })
    assert.equal("down", report.sources[1].error.value)
    assert.equal(1, report.sources[1].error.source)
  end)

  it("raises the first Error with the rest suppressed when all fail", function()
    local err = raised(aggr.first, { a = failing(2, "later"), b = failing(1, "sooner") })
    assert.equal("sooner", err.value)
    assert.equal("b", err.source)
    assert.equal(1, #err.suppressed)
    assert.equal("later", err.suppressed[1].value)
    assert.equal(2, err.report.failed)
  end)

  it("gives lists of the first n with count = n, in the order they came", function()
    local values, keys = aggr.first({ a = after(3, "x"), b = after(1, "y"), c = after(2, nil) }, { count = 2 })
    assert.same({ "y", aggr.null }, values)
    assert.same({ "b", "c" }, keys)
  end)

  it("raises as soon as fewer than count can succeed", function()
    local before = aggr.now()
    local err = raised(aggr.first, { failing(1, "one"), failing(2, "two"), after(9) }, { count = 2 })
    assert.equal("one", err.value)
    near(2, aggr.now() - before)
  end)

  it("raises kind deadline at its deadline, with the real errors suppressed", function()
    local err = raised(aggr.first, { failing(1, "down"), after(9) }, { deadline = 2 })
    assert.equal("deadline", err.kind)
    assert.equal("down", err.suppressed[1].value)
    assert.equal("deadline", err.report.sources[2].state)
  end)

  it("starts the next source when one fails, no more than limit at once", function()
    local value, key, report = aggr.first({ failing(1, "x"), after(1, "y"), after(0, "z") }, { limit = 1 })
    assert.same({ "y", 2 }, { value, key })
    assert.equal("skipped", report.sources[3].state)
  end)

  it("keeps a success although a cancellation comes while it waits for the losers", function()
    local value
    local err = raised(aggr.deadline, 2, function()
      value = aggr.first { after(1, "won"), function()
        aggr.defer(function() aggr.sleep(2) end)
        aggr.sleep(9)
      end }
      aggr.sleep(0)
    end)
    assert.equal("won", value)
    assert.equal("deadline", err.kind)
  end)

  it("passes an outer cancellation through", function()
    local err = raised(aggr.deadline, 1, aggr.first, { after(9) })
    assert.equal("deadline", err.kind)
    assert.is_nil(err.report)
  end)

  it("refuses no sources, too high a count, and misuse in one source", function()
    for _, case in ipairs {
      { {} }, { { after(1) }, { count = 2 } }, { { after(1) }, { count = 0 } }, { { after(1) }, { cont = 1 } },
      { { function() aggr.all(12) end, after(1) } }, { { a = false } },
    } do
      assert.equal("usage", raised(aggr.first, unpack(case)).kind)
    end
  end)
end)
