--- Tasks and the scopes that own them: R1-R6, R16, R17, R22, R24, R29.
local aggr = require "aggr"

local function elapsed(fn, ...)
  local began = aggr.now()
  local results = { pcall(fn, ...) }
  return aggr.now() - began, unpack(results, 1, 9)
end

describe("R1: a scope returns only after its tasks have ended", function()
  it("R1: a child that sleeps 5 s keeps the group for 5 s", function()
    local took, ok, value = elapsed(aggr.group, function(g)
      g:spawn(aggr.sleep, 5)
      return "body"
    end)
    assert.equal(5, took)
    assert.is_true(ok)
    assert.equal("body", value)
  end)

  it("R1: a group gives all values of its function", function()
    local function values(...) return select("#", ...), ... end
    assert.same({ 3, 1, nil, 3 }, { values(aggr.group(function() return 1, nil, 3 end)) })
    assert.equal(0, (values(aggr.group(function() end))))
  end)

  it("R1: tasks spawned by tasks are waited for too", function()
    local took = elapsed(aggr.group, function(g)
      g:spawn(function()
        aggr.sleep(1)
        g:spawn(function()
          aggr.sleep(1)
          g:spawn(aggr.sleep, 1)
        end)
      end)
    end)
    assert.equal(3, took)
  end)

  it("R1: a group that fails still waits for what its tasks do when cancelled", function()
    local took, ok = elapsed(aggr.group, function(g)
      g:spawn(function()
        aggr.defer(function() aggr.sleep(2) end)
        aggr.sleep(100)
      end)
      aggr.sleep(1)
      error("boom")
    end)
    assert.is_false(ok)
    assert.equal(3, took)
  end)
end)

describe("R2: a child's error", function()
  it("R2: cancels 50 sleepers and the group ends at the time of the crash", function()
    local cancelled = 0
    local tasks = {}
    local took, ok, err = elapsed(aggr.group, function(g)
      for i = 1, 50 do
        tasks[i] = g:spawn(function()
          aggr.defer(function() cancelled = cancelled + 1 end)
          aggr.sleep(60)
        end)
      end
      g:spawn(function()
        aggr.sleep(3)
        error("crash")
      end)
    end)
    assert.is_false(ok)
    assert.equal("script", err.kind)
    assert.equal(3, took)
    assert.equal(50, cancelled)
    for _, task in ipairs(tasks) do assert.equal("cancelled", task.state) end
  end)

  it("R2: cancels the body", function()
    local reached = false
    local took, ok = elapsed(aggr.group, function(g)
      g:spawn(function() error("crash") end)
      aggr.sleep(10)
      reached = true
    end)
    assert.is_false(ok)
    assert.equal(0, took)
    assert.is_false(reached)
  end)
end)

describe("R3: the body of a group", function()
  it("R3: its error cancels the tasks", function()
    local trace = {}
    local ok, err = pcall(aggr.group, function(g)
      g:spawn(function()
        aggr.defer(function() trace[#trace + 1] = "cancelled" end)
        aggr.sleep(9)
        trace[#trace + 1] = "slept"
      end)
      aggr.sleep(1)
      error("body", 0)
    end)
    assert.is_false(ok)
    assert.equal("body", err.value)
    assert.same({ "cancelled" }, trace)
  end)

  it("R3: its return only waits", function()
    local trace = {}
    aggr.group(function(g)
      g:spawn(function()
        aggr.sleep(9)
        trace[#trace + 1] = "slept"
      end)
    end)
    assert.same({ "slept" }, trace)
  end)
end)

describe("R4: waiting at the end of a scope", function()
  it("R4: an outer cancel goes to the children, and when they end well the scope returns", function()
    local value
    local ok, err = pcall(aggr.deadline, 1, function()
      value = aggr.group(function(g)
        g:spawn(function()
          aggr.shield(60, aggr.sleep, 5)
        end)
        return "kept"
      end)
      return value
    end)
    assert.is_true(ok)
    assert.equal("kept", err)
    assert.equal("kept", value)
  end)

  it("R4: a child that is cancelled from outside makes the scope pass the cancellation on", function()
    local returned = false
    local ok, err = pcall(aggr.deadline, 1, function()
      aggr.group(function(g) g:spawn(aggr.sleep, 5) end)
      returned = true
    end)
    assert.is_false(ok)
    assert.equal("deadline", err.kind)
    assert.is_false(returned)
  end)
end)

describe("R5: what a scope raises", function()
  local function crash_all(count)
    local ok, err = pcall(aggr.group, function(g)
      for i = 1, count do
        g:spawn(function() error("crash " .. i, 0) end)
      end
    end)
    assert.is_false(ok)
    return err
  end

  for _, count in ipairs { 1, 2, 100 } do
    it(("R5: the first of %d errors, the others suppressed in order"):format(count), function()
      local err = crash_all(count)
      assert.equal("crash 1", err.value)
      assert.equal(count - 1, #(err.suppressed or {}))
      for i, other in ipairs(err.suppressed or {}) do assert.equal("crash " .. i + 1, other.value) end
    end)
  end

  it("R5: the Error object itself", function()
    local original
    local _, err = pcall(aggr.group, function(g)
      g:spawn(function()
        local _, inner = pcall(aggr.deadline, 0, aggr.sleep, 1)
        original = inner
        error(inner)
      end)
    end)
    assert.equal("deadline", err.kind)
    assert.is_true(rawequal(original, err))
  end)

  it("R5: what is not an Error becomes one at the border, once", function()
    for _, value in ipairs { "text", 12, { 1 }, false } do
      local _, outer = pcall(aggr.group, function(g)
        local _, inner = pcall(aggr.group, function(h)
          h:spawn(function() error(value, 0) end)
        end)
        g:spawn(function() error(inner) end)
      end)
      assert.equal("script", outer.kind)
      assert.equal(value, outer.value)
      assert.is_nil(outer.suppressed)
    end
    local _, none = pcall(aggr.group, function(g) g:spawn(function() error() end) end)
    assert.equal("script", none.kind)
    assert.is_nil(none.value)
  end)

  it("R5: an error that task:wait() raises again in the body is not suppressed in itself", function()
    local _, err = pcall(aggr.group, function(g)
      local task = g:spawn(function() error("once", 0) end)
      task:wait()
    end)
    assert.equal("once", err.value)
    assert.is_nil(err.suppressed)
  end)

  it("R5: a script's error has the stack of where it was raised", function()
    local function deep() error("here") end
    local _, err = pcall(aggr.group, function(g) g:spawn(function() deep() end) end)
    assert.matches("in function 'deep'", err.traceback, 1, true)
    assert.matches("tasks_spec.lua:%d+$", err.spawned)
  end)
end)

describe("R6: cancellation and errors", function()
  it("R6: an outer cancel does not hide a child's error", function()
    local ok, err = pcall(aggr.deadline, 1, function()
      aggr.group(function(g)
        g:spawn(aggr.sleep, 10)
        g:spawn(function()
          aggr.defer(function() error("real", 0) end)
          aggr.sleep(10)
        end)
      end)
    end)
    assert.is_false(ok)
    assert.equal("real", err.value)
    assert.is_nil(err.suppressed)
  end)

  it("R6: cancelled siblings are not among the suppressed errors", function()
    local _, err = pcall(aggr.group, function(g)
      for _ = 1, 5 do g:spawn(aggr.sleep, 10) end
      aggr.sleep(1)
      error("first", 0)
    end)
    assert.equal("first", err.value)
    assert.is_nil(err.suppressed)
  end)
end)

describe("R16: spawning", function()
  it("R16: into a cancelled scope starts the child, which is cancelled at its first checkpoint", function()
    local trace = {}
    local task
    aggr.group(function(g)
      g:cancel()
      task = g:spawn(function()
        trace[#trace + 1] = "started"
        aggr.sleep(0)
        trace[#trace + 1] = "went on"
      end)
    end)
    assert.same({ "started" }, trace)
    assert.equal("cancelled", task.state)
  end)

  it("R16: a child of a cancelled scope that meets no checkpoint ends well", function()
    local task
    aggr.group(function(g)
      g:cancel()
      task = g:spawn(function() return 3 end)
    end)
    assert.equal("ok", task.state)
  end)

  it("R16: into a finished scope is a usage error", function()
    local kept
    aggr.group(function(g) kept = g end)
    local ok, err = pcall(kept.spawn, kept, print)
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    assert.matches("tasks_spec.lua:", err.where, 1, true)
  end)

  it("R16: children may spawn siblings while the scope waits", function()
    local ended = 0
    aggr.group(function(g)
      local function child(depth)
        aggr.sleep(1)
        if depth > 0 then g:spawn(child, depth - 1) end
        ended = ended + 1
      end
      g:spawn(child, 3)
    end)
    assert.equal(4, ended)
  end)

  it("R16: a function is needed", function()
    local ok, err = pcall(aggr.group, function(g) g:spawn(12) end)
    assert.is_false(ok)
    assert.equal("usage", err.kind)
  end)
end)

describe("R17: inheritance", function()
  it("R17: a task has the deadline of the scope it was spawned into, not of the spawning place", function()
    local began = aggr.now()
    local task
    aggr.group(function(g)
      pcall(aggr.deadline, 1, function()
        task = g:spawn(aggr.sleep, 5)
        aggr.sleep(10)
      end)
    end)
    assert.equal("ok", task.state)
    assert.equal(5, aggr.now() - began)
  end)

  it("R17: and is not shielded by the spawning place", function()
    local task
    local took = elapsed(aggr.group, function(g)
      aggr.shield(60, function()
        task = g:spawn(aggr.sleep, 50)
        g:cancel()
        aggr.sleep(2)
      end)
    end)
    assert.equal("cancelled", task.state)
    assert.equal(2, took)
  end)
end)

describe("R22: task:wait()", function()
  it("R22: gives the values", function()
    aggr.group(function(g)
      local task = g:spawn(function()
        aggr.sleep(1)
        return 1, nil, 3
      end)
      assert.same({ 1, nil, 3 }, { task:wait() })
      assert.equal("ok", task.state)
      assert.same({ 1, nil, 3 }, { task:wait() })
    end)
  end)

  it("R22: raises the same object for everyone who waits", function()
    local seen = {}
    local _, err = pcall(aggr.group, function(g)
      local task = g:spawn(function()
        aggr.sleep(1)
        error("lost", 0)
      end)
      for i = 1, 2 do
        g:spawn(function()
          local ok, e = pcall(task.wait, task)
          seen[i] = not ok and e
        end)
      end
    end)
    assert.is_true(rawequal(seen[1], err))
    assert.is_true(rawequal(seen[2], err))
  end)

  it("R22: waiting does not mark a failure handled", function()
    local ok = pcall(aggr.group, function(g)
      local task = g:spawn(function() error("lost", 0) end)
      pcall(task.wait, task)
    end)
    assert.is_false(ok)
  end)

  it("R22: on a cancelled task raises kind cancelled, an ordinary error", function()
    aggr.group(function(g)
      local task = g:spawn(aggr.sleep, 10)
      g:spawn(function()
        aggr.sleep(1)
        task:cancel()
      end)
      local ok, err = pcall(task.wait, task)
      assert.is_false(ok)
      assert.equal("cancelled", err.kind)
      assert.equal("cancelled", task.state)
    end)
  end)

  it("R22: on itself is a usage error", function()
    local _, err = pcall(aggr.group, function(g)
      local me
      me = g:spawn(function()
        aggr.sleep(0)
        me:wait()
      end)
    end)
    assert.equal("usage", err.kind)
  end)

  it("R22: a waiter that is cancelled leaves the task alone", function()
    aggr.group(function(g)
      local task = g:spawn(function()
        aggr.sleep(5)
        return "done"
      end)
      local ok, err = pcall(aggr.deadline, 1, task.wait, task)
      assert.is_false(ok)
      assert.equal("deadline", err.kind)
      assert.equal("done", task:wait())
    end)
  end)
end)

describe("R24: cancelling is not an error", function()
  it("R24: task:cancel() leaves the group and the others alone", function()
    local other
    local took, ok = elapsed(aggr.group, function(g)
      local task = g:spawn(aggr.sleep, 50)
      other = g:spawn(aggr.sleep, 2)
      aggr.sleep(1)
      task:cancel()
      task:cancel()
    end)
    assert.is_true(ok)
    assert.equal(2, took)
    assert.equal("ok", other.state)
  end)

  it("R24: g:cancel() in the body ends the group without an error", function()
    local took, ok, value = elapsed(aggr.group, function(g)
      g:spawn(aggr.sleep, 50)
      aggr.sleep(1)
      g:cancel()
      aggr.sleep(10)
      return "not reached"
    end)
    assert.is_true(ok)
    assert.is_nil(value)
    assert.equal(1, took)
  end)

  it("R24: the body's values survive g:cancel() when it meets no further checkpoint", function()
    local value = aggr.group(function(g)
      g:spawn(aggr.sleep, 50)
      g:cancel()
      return "kept"
    end)
    assert.equal("kept", value)
  end)

  it("R24: a task may cancel itself, and meets it at its next checkpoint", function()
    local reached = false
    aggr.group(function(g)
      local task
      task = g:spawn(function()
        aggr.sleep(0)
        task:cancel()
        reached = true
        aggr.sleep(0)
        reached = "too far"
      end)
    end)
    assert.is_true(reached)
  end)
end)

describe("R29: after a task's end", function()
  it("R29: nothing but its handle is left of it", function()
    local weak = setmetatable({}, { __mode = "v" })
    local tasks = {}
    aggr.group(function(g)
      for i = 1, 20 do
        local big = { i }
        weak[#weak + 1] = big
        tasks[i] = g:spawn(function(argument)
          weak[#weak + 1] = coroutine.wrap(function() end)
          local upvalue = { argument, big }
          weak[#weak + 1] = upvalue
          aggr.defer(function() upvalue.x = 1 end)
          aggr.sleep(i % 3)
        end, { i })
      end
    end)
    jit.flush()
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
    for i = 1, 20 do assert.equal("ok", tasks[i].state) end
  end)

  it("R29: an ended task's values are held by its handle alone", function()
    local weak = setmetatable({}, { __mode = "v" })
    aggr.group(function(g)
      g:spawn(function()
        local value = {}
        weak[1] = value
        return value
      end)
    end)
    jit.flush()
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
  end)
end)

describe("a coroutine that serves one task after another", function()
  it("begins each with the globals of who spawns it", function()
    local seen
    aggr.group(function(g) g:spawn(function() setfenv(0, { foreign = true }) end) end)
    aggr.group(function(g) g:spawn(function() seen = getfenv(0) end) end)
    assert.equal(getfenv(0), seen)
  end)

  it("begins each anew after an error, a cancellation and a deep stack", function()
    local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
    for round = 1, 20 do
      pcall(aggr.group, function(g)
        g:spawn(function() assert(deep(5000) == 5000) end)
        g:spawn(aggr.sleep, 1):cancel()
        g:spawn(error, "broken")
      end)
      local results = {}
      aggr.group(function(g)
        for i = 1, 5 do
          g:spawn(function(...)
            aggr.sleep(1)
            results[i] = select("#", ...) + (...)
          end, i, nil, round)
        end
      end)
      assert.same({ 4, 5, 6, 7, 8 }, results)
    end
  end)
end)
