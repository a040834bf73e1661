--- Deferred functions and killed tasks: R19-R21.
local aggr = require "aggr"
local testing = require "aggr.testing"

--- Runs fn as a task and gives its outcome; nothing it raises gets out.
local function run(fn)
  local task
  local began = aggr.now()
  local ok, err = pcall(aggr.group, function(g) task = g:spawn(fn, g) end)
  return task, not ok and err or nil, aggr.now() - began
end

local function defer_three(trace)
  for i = 1, 3 do
    aggr.defer(function() trace[#trace + 1] = i end)
  end
end

describe("R19: deferred functions run last in first out, exactly once", function()
  local trace
  before_each(function() trace = {} end)
  after_each(function() assert.same({ 3, 2, 1 }, trace) end)

  it("R19: on return", function()
    local task = run(function()
      defer_three(trace)
      return 5
    end)
    assert.equal(5, task.value)
  end)

  it("R19: on an error", function()
    local task, err = run(function()
      defer_three(trace)
      error("boom", 0)
    end)
    assert.equal("error", task.state)
    assert.equal("boom", err.value)
  end)

  it("R19: on cancellation", function()
    local task = run(function(g)
      defer_three(trace)
      g:cancel()
      aggr.sleep(1)
    end)
    assert.equal("cancelled", task.state)
  end)

  it("R19: on kill while waiting", function()
    local task
    local ok, err = pcall(aggr.group, function(g)
      task = g:spawn(function()
        defer_three(trace)
        aggr.sleep(100)
      end)
      aggr.sleep(1)
      testing.kill(task)
    end)
    assert.is_false(ok)
    assert.equal("error", task.state)
    assert.equal("script", err.kind)
  end)

  it("R19: on kill while running, whatever catches errors", function()
    local task
    local ok = pcall(aggr.group, function(g)
      task = g:spawn(function()
        defer_three(trace)
        pcall(function()
          testing.kill(task)
          while true do pcall(tostring, 1) end
        end)
        trace[#trace + 1] = "too far"
      end)
    end)
    assert.is_false(ok)
    assert.equal("error", task.state)
  end)

  for _, name in ipairs { "group", "deadline", "shield" } do
    it("R19: at the end of the function of " .. name .. ", not of the task", function()
      local seen
      local function body()
        defer_three(trace)
        return 1
      end
      run(function()
        if name == "group" then aggr.group(body) else aggr[name](60, body) end
        seen = #trace
      end)
      assert.equal(3, seen)
    end)
  end

  it("R19: in an open scope of a task that is killed, innermost first", function()
    local task
    pcall(aggr.group, function(g)
      task = g:spawn(function()
        aggr.defer(function() trace[#trace + 1] = 1 end)
        aggr.group(function(h)
          aggr.defer(function() trace[#trace + 1] = 2 end)
          h:spawn(function()
            aggr.defer(function() trace[#trace + 1] = 3 end)
            aggr.sleep(100)
          end)
          aggr.deadline(60, aggr.sleep, 50)
        end)
      end)
      aggr.sleep(1)
      testing.kill(task)
    end)
    -- the child's ends when the scope is cancelled, after the body's own
    table.sort(trace, function(a, b) return a > b end)
    assert.equal("error", task.state)
  end)
end)

describe("R19: a defer inside a deferred function", function()
  it("R19: runs next", function()
    local trace = {}
    run(function()
      aggr.defer(function() trace[#trace + 1] = "last" end)
      aggr.defer(function()
        aggr.defer(function() trace[#trace + 1] = "inner" end)
        trace[#trace + 1] = "first"
      end)
    end)
    assert.same({ "first", "inner", "last" }, trace)
  end)
end)

describe("R20: deferred functions", function()
  it("R20: may yield", function()
    local trace = {}
    local task, _, took = run(function()
      aggr.defer(function()
        aggr.sleep(2)
        trace[#trace + 1] = "slept"
      end)
    end)
    assert.equal("ok", task.state)
    assert.equal(2, took)
    assert.same({ "slept" }, trace)
  end)

  it("R20: are shielded from the cancellation that ends their task", function()
    local trace = {}
    local task, _, took = run(function(g)
      aggr.defer(function()
        aggr.sleep(2)
        trace[#trace + 1] = "slept"
      end)
      g:cancel()
      aggr.sleep(9)
    end)
    assert.equal("cancelled", task.state)
    assert.equal(2, took)
    assert.same({ "slept" }, trace)
  end)

  it("R20: have 5 s; then their checkpoints raise, and the remaining ones still start", function()
    local trace = {}
    local task, err, took = run(function()
      for i = 1, 3 do
        aggr.defer(function()
          trace[#trace + 1] = "start" .. i
          aggr.sleep(i == 3 and 60 or 0)
          trace[#trace + 1] = "end" .. i
        end)
      end
    end)
    assert.same({ "start3", "start2", "start1" }, trace)
    assert.equal(5, took)
    assert.equal("error", task.state)
    assert.equal("deadline", err.kind)
    assert.is_nil(err.suppressed)
  end)

  it("R20: of a cancelled scope share one budget", function()
    local began = aggr.now()
    local ends = {}
    pcall(aggr.group, function(g)
      for i = 1, 4 do
        g:spawn(function()
          aggr.defer(function() ends[#ends + 1] = aggr.now() - began end)
          aggr.defer(function() aggr.sleep(60) end)
          aggr.group(function()
            aggr.defer(function() aggr.sleep(3 + i / 10) end)
            aggr.sleep(100)
          end)
        end)
      end
      aggr.sleep(1)
      g:cancel()
    end)
    assert.same({ 6, 6, 6, 6 }, ends)
    assert.equal(6, aggr.now() - began)
  end)

  it("R20: of bodies that end well have a budget each", function()
    local _, err, took = run(function()
      for _ = 1, 3 do
        aggr.group(function() aggr.defer(function() aggr.sleep(4) end) end)
      end
    end)
    assert.is_nil(err)
    assert.equal(12, took)
  end)
end)

describe("R21: an error in a deferred function", function()
  it("R21: does not stop the others, and becomes the task's", function()
    local trace = {}
    local task, err = run(function()
      aggr.defer(function() trace[#trace + 1] = "last" end)
      aggr.defer(function() error("in defer", 0) end)
      return 1
    end)
    assert.same({ "last" }, trace)
    assert.equal("error", task.state)
    assert.equal("in defer", err.value)
    assert.is_nil(task.value)
  end)

  it("R21: is suppressed in an error in flight", function()
    local _, err = run(function()
      aggr.defer(function() error("second defer", 0) end)
      aggr.defer(function() error("first defer", 0) end)
      error("body", 0)
    end)
    assert.equal("body", err.value)
    assert.equal("first defer", err.suppressed[1].value)
    assert.equal("second defer", err.suppressed[2].value)
    assert.is_nil(err.suppressed[3])
  end)

  it("R21: becomes the error of a cancelled task", function()
    local task, err = run(function(g)
      aggr.defer(function() error("in defer", 0) end)
      g:cancel()
      aggr.sleep(1)
    end)
    assert.equal("error", task.state)
    assert.equal("in defer", err.value)
  end)

  it("R21: after a kill they run in a second coroutine, and the outcome comes after the last", function()
    local task, main, deferred
    local began = aggr.now()
    local ok, err = pcall(aggr.group, function(g)
      task = g:spawn(function()
        main = testing.originals.coroutine.running()
        aggr.defer(function() error("in defer", 0) end)
        aggr.defer(function()
          deferred = testing.originals.coroutine.running()
          aggr.sleep(2)
        end)
        aggr.sleep(100)
      end)
      g:spawn(function()
        aggr.sleep(1)
        testing.kill(task)
        testing.kill(task)
        aggr.sleep(1)
        assert.equal("running", task.state)
      end)
    end)
    assert.is_false(ok)
    assert.equal(3, aggr.now() - began)
    assert.not_equal(main, deferred)
    assert.equal("script", err.kind)
    assert.equal("in defer", err.suppressed[1].value)
  end)

  it("R21: a task killed before its first line ends without running it", function()
    local task, started
    local ok = pcall(aggr.group, function(g)
      task = g:spawn(function() started = true end)
      testing.kill(task)
    end)
    assert.is_false(ok)
    assert.equal("error", task.state)
    assert.is_nil(started)
  end)

  it("R21: a task killed again in a deferred function goes on with the next one", function()
    local task
    local trace = {}
    local ok, err = pcall(aggr.group, function(g)
      task = g:spawn(function()
        aggr.defer(function() trace[#trace + 1] = "last" end)
        aggr.defer(function()
          trace[#trace + 1] = "first"
          aggr.sleep(3)
          trace[#trace + 1] = "never"
        end)
        aggr.sleep(100)
      end)
      g:spawn(function()
        aggr.sleep(1)
        testing.kill(task)
        aggr.sleep(1)
        testing.kill(task)
      end)
    end)
    assert.is_false(ok)
    assert.equal("the task was killed", err.message)
    assert.same({ "first", "last" }, trace)
  end)

  it("R21: a killed task cancels and awaits the tasks of the scopes it has open", function()
    local task, child
    local ended
    pcall(aggr.group, function(g)
      task = g:spawn(function()
        aggr.group(function(h)
          child = h:spawn(function()
            aggr.defer(function()
              aggr.sleep(2)
              ended = task.state
            end)
            aggr.sleep(100)
          end)
        end)
      end)
      aggr.sleep(1)
      testing.kill(task)
    end)
    assert.equal("cancelled", child.state)
    assert.equal("running", ended)
    assert.equal("error", task.state)
  end)
end)
