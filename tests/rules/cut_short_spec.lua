--- R28 for the collect calls: a run that is cut short (a signal, --deadline).
local testing = require "aggr.testing"

local START = [[
  local aggr, note = require "aggr", ...
  local function after(seconds, value)
    return function()
      aggr.sleep(seconds)
      return value
    end
  end
]]

local function notes_of(script, reason)
  local _, _, notes = testing.run(START .. script, { cancel_at = 2, reason = reason or "signal" })
  return notes
end

describe("R28: when the run is cut short", function()
  it("the main task's all returns what is finished, running sources are cancelled, others skipped", function()
    assert.equal("1 false cancelled cancelled skipped", notes_of [[
      local data, report = aggr.all({ a = after(1, 1), b = after(9), c = after(9), d = after(9) }, { limit = 2 })
      note(tostring(data.a))
      note(tostring(report.complete))
      note(report.sources.b.state)
      note(report.sources.b.error.kind)
      note(report.sources.d.state)
    ]])
  end)

  it("at its deadline running sources have the state deadline", function()
    assert.equal("deadline deadline", notes_of([[
      local _, report = aggr.all { after(9) }
      note(report.sources[1].state)
      note(report.sources[1].error.kind)
    ]], "deadline"))
  end)

  it("the main task's each returns its counts", function()
    assert.equal("1 false", notes_of [[
      local report = aggr.each({ 1, 9 }, aggr.sleep)
      note(tostring(report.succeeded))
      note(tostring(report.complete))
    ]])
  end)

  it("a lost need is raised, and fallbacks that don't wait are still used", function()
    assert.equal("lost a cancelled", notes_of [[
      local _, err = aggr.try(aggr.all, { a = after(9) }, { need = { "a" } })
      note("lost " .. err.source .. " " .. err.kind)
    ]])
    assert.equal("0 nil", notes_of [[
      local data = aggr.all({ a = after(9), b = after(9) }, { fallback = function(key)
        if key == "a" then return 0 end
        aggr.sleep(1)
        return 1
      end })
      note(tostring(data.a))
      note(tostring(data.b))
    ]])
  end)

  it("first is cancelled, and so is the next call after an all that has returned", function()
    assert.equal("", notes_of [[
      aggr.try(aggr.first, { after(9) })
      note "too far"
    ]])
    assert.equal("returned", notes_of [[
      aggr.all { after(9) }
      note "returned"
      aggr.all {}
      note "too far"
    ]])
  end)

  it("an all in a deadline of the main task ends so too, one inside a source does not", function()
    assert.equal("inner outer", notes_of [[
      aggr.deadline(50, function()
        aggr.all { after(9) }
        note "inner"
      end)
      note "outer"
    ]])
    assert.equal("outer cancelled", notes_of [[
      local _, report = aggr.all { function()
        aggr.all { after(9) }
        note "too far"
      end }
      note "outer"
      note(report.sources[1].state)
    ]])
  end)
end)
