--- Deadlines and shields: R12-R15, R18.
local aggr = require "aggr"
local testing = require "aggr.testing"

--- Seconds that fn took, and the kind of Error it raised or its first value.
local function outcome(fn, ...)
  local began = aggr.now()
  local ok, value = pcall(fn, ...)
  return { aggr.now() - began, ok and value or value.kind }
end

local function sleep_and_say(seconds, word)
  return function()
    aggr.sleep(seconds)
    return word or "slept"
  end
end

describe("R12: deadlines are absolute and monotonic", function()
  it("R12: 5 inside 10 ends at 5", function()
    assert.same({ 5, "deadline" }, outcome(aggr.deadline, 10, function()
      aggr.deadline(5, aggr.sleep, 60)
    end))
  end)

  it("R12: 10 inside 5 ends at 5: a child does not extend", function()
    local inner
    assert.same({ 5, "deadline" }, outcome(aggr.deadline, 5, function()
      inner = outcome(aggr.deadline, 10, aggr.sleep, 60)
    end))
    assert.is_nil(inner)
  end)

  it("R12: a deadline does not begin anew with each wait", function()
    assert.same({ 5, "deadline" }, outcome(aggr.deadline, 5, function()
      for _ = 1, 10 do aggr.sleep(1) end
    end))
  end)

  it("R12: the wall clock does not matter", function()
    for _, step in ipairs { 3600, -7200 } do
      assert.same({ 5, "deadline" }, outcome(aggr.deadline, 5, function()
        aggr.sleep(1)
        testing.step_wall(step)
        aggr.sleep(60)
      end))
    end
  end)

  it("R12: durations are numbers or texts", function()
    assert.same({ 0.25, "deadline" }, outcome(aggr.deadline, "250ms", aggr.sleep, 60))
    assert.same({ 0, "usage" }, outcome(aggr.deadline, "soon", aggr.sleep, 60))
    assert.same({ 0, "usage" }, outcome(aggr.deadline, 0 / 0, aggr.sleep, 60))
    assert.same({ 3, "slept" }, outcome(aggr.deadline, math.huge, sleep_and_say(3)))
  end)
end)

describe("R13: who turns a deadline into an Error", function()
  it("R13: only the scope whose own deadline passed", function()
    local trace = {}
    local ok, err = pcall(aggr.deadline, 1, function()
      local inner_ok = pcall(aggr.deadline, 5, aggr.sleep, 60)
      trace[#trace + 1] = tostring(inner_ok)
    end)
    assert.is_false(ok)
    assert.equal("deadline", err.kind)
    assert.matches("1 s", err.message, 1, true)
    assert.same({}, trace)
  end)

  it("R13: at equal deadlines the outer one wins, whichever was set first", function()
    local inner
    local ok, err = pcall(aggr.deadline, 5, function()
      inner = outcome(aggr.deadline, 5, aggr.sleep, 60)
    end)
    assert.is_false(ok)
    assert.equal("deadline", err.kind)
    assert.is_nil(inner)
  end)

  it("R13: an outer one that passes while the inner one unwinds takes over", function()
    local inner
    assert.same({ 7, "deadline" }, outcome(aggr.deadline, 6, function()
      inner = outcome(aggr.deadline, 5, function()
        aggr.defer(function() aggr.sleep(2) end)
        aggr.sleep(60)
      end)
    end))
    assert.is_nil(inner)
  end)

  it("R13: the Error names the place of the deadline", function()
    local _, err = pcall(function()
      aggr.deadline(1, aggr.sleep, 5)
      return nil
    end)
    assert.matches("deadline_spec.lua:%d+$", err.where)
  end)
end)

describe("R14: a function that meets no further checkpoint", function()
  it("R14: keeps its value although its deadline has passed", function()
    local value = aggr.deadline(0, function() return "kept" end)
    assert.equal("kept", value)
    local late = aggr.deadline(1, function()
      aggr.shield(60, aggr.sleep, 5)
      return "late"
    end)
    assert.equal("late", late)
  end)

  it("R14: and its own error", function()
    local _, err = pcall(aggr.deadline, 0, error, "own", 0)
    assert.equal("own", err.value)
  end)
end)

describe("R15: zero and negative deadlines", function()
  for _, seconds in ipairs { 0, -1, -math.huge } do
    it(("R15: at %g s the body starts and its first checkpoint raises"):format(seconds), function()
      local trace = {}
      assert.same({ 0, "deadline" }, outcome(aggr.deadline, seconds, function()
        trace[1] = "started"
        aggr.sleep(0)
        trace[2] = "went on"
      end))
      assert.same({ "started" }, trace)
    end)
  end

  it("R15: sleeping exactly until the deadline is cancelled", function()
    assert.same({ 5, "deadline" }, outcome(aggr.deadline, 5, aggr.sleep, 5))
  end)
end)

describe("R18: a shield", function()
  it("R18: hides an outer deadline", function()
    local value
    assert.same({ 3, "after" }, outcome(aggr.deadline, 1, function()
      value = aggr.shield(10, sleep_and_say(3, "whole"))
      return "after"
    end))
    assert.equal("whole", value)
  end)

  it("R18: the next checkpoint after it raises", function()
    assert.same({ 3, "deadline" }, outcome(aggr.deadline, 1, function()
      aggr.shield(10, aggr.sleep, 3)
      aggr.sleep(0)
    end))
  end)

  it("R18: only for so long", function()
    assert.same({ 4, "deadline" }, outcome(aggr.deadline, 1, function()
      aggr.shield(4, aggr.sleep, 60)
    end))
  end)

  it("R18: does not end its function by itself", function()
    assert.same({ 9, "slept" }, outcome(aggr.shield, 4, sleep_and_say(9)))
  end)

  it("R18: once over, outer cancels pass at once", function()
    assert.same({ 7, "deadline" }, outcome(aggr.deadline, 7, function()
      aggr.shield(4, aggr.sleep, 60)
    end))
  end)

  it("R18: lets inner cancels work", function()
    assert.same({ 2, "slept" }, outcome(aggr.shield, 60, function()
      assert.same({ 2, "deadline" }, outcome(aggr.deadline, 2, aggr.sleep, 30))
      return "slept"
    end))
  end)

  it("R18: does not hide the cancel of a scope inside of it from that scope", function()
    local trace = {}
    aggr.shield(60, function()
      aggr.group(function(g)
        g:spawn(function()
          aggr.defer(function() trace[#trace + 1] = "cancelled" end)
          aggr.sleep(60)
        end)
        aggr.sleep(1)
        g:cancel()
      end)
    end)
    assert.same({ "cancelled" }, trace)
  end)

  it("R18: task.state tells the truth meanwhile", function()
    local seen, task
    aggr.group(function(g)
      task = g:spawn(function() aggr.shield(10, aggr.sleep, 5) end)
      aggr.sleep(1)
      task:cancel()
      aggr.sleep(1)
      seen = task.state
    end)
    assert.equal("running", seen)
    assert.equal("ok", task.state)
  end)

  it("R18: of zero seconds hides nothing, an endless one is refused", function()
    assert.same({ 1, "deadline" }, outcome(aggr.deadline, 1, function()
      aggr.shield(0, aggr.sleep, 5)
    end))
    assert.same({ 0, "usage" }, outcome(aggr.shield, math.huge, aggr.sleep, 1))
  end)

  it("R18: nested shields end one by one", function()
    assert.same({ 6, "deadline" }, outcome(aggr.deadline, 1, function()
      aggr.shield(6, function()
        aggr.shield(3, aggr.sleep, 60)
      end)
    end))
  end)
end)
