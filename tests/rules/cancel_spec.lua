--- Cancellation: R7-R11, R25, R28.
local aggr = require "aggr"
local testing = require "aggr.testing"

local core = testing.require "aggr.core.task"
local raw_pcall = testing.originals.pcall -- as a C module's own would: catches even a cancellation

describe("R7: cancellation is level-triggered", function()
  it("R7: a third checkpoint raises too, whatever swallowed the first ones, until the scope is left", function()
    local swallowed = 0
    local ok, err = pcall(aggr.deadline, 1, function()
      for _ = 1, 3 do
        if not raw_pcall(aggr.sleep, 10) then swallowed = swallowed + 1 end
      end
      aggr.sleep(0)
    end)
    assert.is_false(ok)
    assert.equal("deadline", err.kind)
    assert.equal(3, swallowed)
    aggr.sleep(0)
  end)
end)

describe("R8: cancelling", function()
  it("R8: is idempotent, and the first reason stays", function()
    local task
    local ok, err = pcall(aggr.deadline, 1, function()
      aggr.group(function(g)
        task = g:spawn(function()
          aggr.defer(function() aggr.sleep(2) end)
          aggr.sleep(10)
        end)
        aggr.defer(function()
          g:cancel()
          g:cancel()
        end)
        aggr.sleep(10)
      end)
    end)
    assert.is_false(ok)
    assert.equal("deadline", err.kind)
    assert.equal("cancelled", task.state)
  end)

  it("R8: a deadline that passes in a cancelled scope changes nothing", function()
    local s = testing.require("aggr.scope").open { deadline = 2 }
    s:cancel()
    assert.equal("cancelled", s:reason())
    aggr.shield(60, aggr.sleep, 5)
    assert.equal("cancelled", s:reason())
    assert.equal("cancelled", s:close())
  end)
end)

describe("R9: a checkpoint", function()
  it("R9: checks on entry, even for a sleep of zero", function()
    local went_on = false
    aggr.group(function(g)
      g:cancel()
      aggr.sleep(0)
      went_on = true
    end)
    assert.is_false(went_on)
  end)

  it("R9: checks on entry when the answer is already there", function()
    local went_on = false
    aggr.group(function(g)
      local task = g:spawn(function() return 1 end)
      task:wait()
      g:cancel()
      task:wait()
      went_on = true
    end)
    assert.is_false(went_on)
  end)

  it("R9: what was queued first wins: the completion", function()
    local values = {}
    aggr.group(function(g)
      local first = g:spawn(function()
        core.park()
        values[1] = core.parked()
      end)
      aggr.sleep(0)
      core.unpark(first[1])
      first:cancel()
    end)
    assert.is_true(values[1])
  end)

  it("R9: what was queued first wins: the cancellation", function()
    local values = {}
    aggr.group(function(g)
      local first = g:spawn(function()
        core.park()
        values[1] = core.parked()
      end)
      aggr.sleep(0)
      first:cancel()
      assert.is_false(core.unpark(first[1]))
    end)
    assert.is_false(values[1])
  end)
end)

describe("R10: result or cancellation", function()
  for _, order in ipairs { "result first", "cancellation first" } do
    it(("R10: 10,000 races in one tick lose nothing, %s"):format(order), function()
      local taken, cancelled, given = 0, 0, 0
      aggr.group(function(g)
        local tasks = {}
        for i = 1, 10000 do
          tasks[i] = g:spawn(function()
            core.park()
            local woken, err = core.parked()
            if woken then taken = taken + 1 else
              cancelled = cancelled + 1
              error(err, 0)
            end
          end)
        end
        aggr.sleep(0)
        for i = 1, 10000 do
          local gives = i % 3 ~= 0
          if order == "cancellation first" then tasks[i]:cancel() end
          if gives and core.unpark(tasks[i][1]) then given = given + 1 end
          if order == "result first" then tasks[i]:cancel() end
        end
      end)
      assert.equal(10000, taken + cancelled)
      assert.equal(given, taken)
      assert.equal(order == "result first" and 6667 or 0, taken)
    end)
  end
end)

describe("R11: scripts do not catch a cancellation", function()
  local function cancelled_inside(fn)
    local after = false
    local ok, err = pcall(aggr.deadline, 1, function()
      fn()
      after = true
    end)
    assert.is_false(ok)
    assert.equal("deadline", err.kind)
    assert.is_false(after)
  end

  it("R11: with pcall", function()
    cancelled_inside(function() pcall(aggr.sleep, 5) end)
  end)

  it("R11: with xpcall, whose handler never sees it", function()
    local seen = 0
    cancelled_inside(function()
      xpcall(aggr.sleep, function() seen = seen + 1 end, 5)
    end)
    assert.equal(0, seen)
  end)

  it("R11: with aggr.try", function()
    cancelled_inside(function() aggr.try(aggr.sleep, 5) end)
  end)

  it("R11: with coroutine.resume and coroutine.wrap", function()
    cancelled_inside(function()
      coroutine.resume(coroutine.create(function() aggr.sleep(5) end))
    end)
    cancelled_inside(function()
      pcall(coroutine.wrap(function() pcall(aggr.sleep, 5) end))
    end)
  end)

  it("R11: nested in each other", function()
    cancelled_inside(function()
      pcall(xpcall, function()
        local co = coroutine.create(function() aggr.try(function() pcall(aggr.sleep, 5) end) end)
        coroutine.resume(co)
      end, print)
    end)
  end)

  it("R11: what a C module's own pcall swallows, the next checkpoint raises again", function()
    local steps = {}
    local ok = pcall(aggr.deadline, 1, function()
      steps[#steps + 1] = raw_pcall(aggr.sleep, 5) and "slept" or "swallowed"
      aggr.sleep(0)
      steps[#steps + 1] = "too far"
    end)
    assert.is_false(ok)
    assert.same({ "swallowed" }, steps)
  end)

  it("R11: ordinary errors are caught as ever", function()
    assert.same({ false, "x" }, { pcall(error, "x", 0) })
    assert.same({ false, "x!" }, { xpcall(error, function(e) return e .. "!" end, "x", 0) })
    assert.same({ true, 1, nil, 3 }, { pcall(function() return 1, nil, 3 end) })
    assert.equal(1, select("#", pcall(function() end)))
    local ok, message = pcall(pcall)
    assert.is_false(ok)
    assert.matches("bad argument #1", message, 1, true)
    assert.is_false((pcall(xpcall, print)))
  end)

  it("R11: an xpcall handler sees the stack that Lua's own would show it", function()
    local function raise() error("x") end
    local _, func = xpcall(raise, function() return debug.getinfo(3, "f").func end)
    assert.equal(raise, func)
  end)
end)

describe("R25: prompt", function()
  it("R25: who waits goes on in the same turn as the cancel, in the order of the tree", function()
    local trace = {}
    aggr.group(function(g)
      for i = 1, 3 do
        g:spawn(function()
          aggr.defer(function() trace[#trace + 1] = i end)
          aggr.sleep(100)
        end)
      end
      aggr.sleep(1)
      g:cancel()
      assert.same({}, trace)
      aggr.defer(function()
        aggr.sleep(0)
        assert.same({ 1, 2, 3 }, trace)
      end)
      aggr.sleep(1)
    end)
    assert.same({ 1, 2, 3 }, trace)
  end)

  it("R25: a cancelled sleep leaves no timer behind", function()
    aggr.group(function(g)
      local task = g:spawn(aggr.sleep, 100)
      aggr.sleep(0)
      assert.equal(1, testing.counts().timers)
      task:cancel()
      assert.equal(0, testing.counts().timers)
    end)
  end)
end)

describe("R28: a run that is cut short", function()
  it("R28: cancels the root: defers run, within one budget for all", function()
    local code, text, notes = testing.run([[
      local aggr, note = require "aggr", ...
      local began = aggr.now()
      aggr.defer(function() note(("main %g"):format(aggr.now() - began)) end)
      aggr.group(function(g)
        for i = 1, 3 do
          g:spawn(function()
            aggr.defer(function() note("last" .. i) end)
            aggr.defer(function() note("first" .. i) aggr.sleep(60) note("never") end)
            aggr.sleep(100)
          end)
        end
      end)
    ]], { cancel_at = 2, reason = "signal" })
    assert.equal(70, code)
    assert.matches("deferred functions", text, 1, true)
    assert.equal("first1 first2 first3 last1 last2 last3 main 7", notes)
  end)

  it("R28: a main task that is cancelled says so", function()
    local code, text = testing.run([[require("aggr").sleep(100)]], { cancel_at = 2 })
    assert.equal(70, code)
    assert.equal("the main task was cancelled", text)
  end)

  it("R28: the main task's map ends as at its own deadline, the next checkpoint raises", function()
    local code, text, notes = testing.run([[
      local aggr, note = require "aggr", ...
      aggr.defer(function() note "deferred" end)
      local data, report = aggr.map({ 1, 5 }, function(s) aggr.sleep(s) return s end)
      note(tostring(data[1]))
      note(tostring(report.complete))
      aggr.sleep(0)
      note "too far"
    ]], { cancel_at = 2, reason = "signal" })
    assert.equal("1 false deferred", notes)
    assert.equal("the main task was cancelled", text)
    assert.equal(70, code)
  end)

  it("R28: a map of another task is simply cancelled", function()
    local _, _, notes = testing.run([[
      local aggr, note = require "aggr", ...
      aggr.group(function(g)
        g:spawn(function()
          aggr.map({ 1, 5 }, aggr.sleep)
          note "too far"
        end)
      end)
    ]], { cancel_at = 2, reason = "signal" })
    assert.equal("", notes)
  end)
end)
