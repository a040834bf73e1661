--- What a killed task's Error tells, and what the library keeps whole: R21.
local aggr = require "aggr"
local testing = require "aggr.testing"

local THIS = debug.getinfo(1, "S").short_src

--- The line that `fn` begins in, plus `offset`.
local function place(fn, offset)
  return THIS .. ":" .. debug.getinfo(fn, "S").linedefined + offset
end

--- The Error of a task that runs fn(task).
local function killed(fn)
  local task
  local ok, err = pcall(aggr.group, function(g)
    task = g:spawn(function() fn(task) end)
  end)
  assert.is_false(ok)
  assert.equal("error", task.state)
  assert.equal(task.error, err)
  return err
end

describe("a killed task's Error", function()
  it("R21: has the kind, message, line and traceback of what it ran", function()
    local function endless(task)
      testing.kill(task, "too long")
      while true do pcall(error, "x") end
    end
    local err = killed(endless)
    assert.equal("stall", err.kind)
    assert.equal("too long", err.message)
    assert.equal(place(endless, 2), err.where)
    assert.matches("kill_spec.lua:%d+: in function 'fn'", err.traceback)
  end)

  it("R21: tells the stacks of the coroutines inside one another", function()
    local function deepest(task)
      testing.kill(task, "too long")
      while true do coroutine.wrap(function() end)() end
    end
    local function middle(task) coroutine.wrap(deepest)(task) end
    local err = killed(function(task)
      local co = coroutine.create(middle)
      coroutine.resume(co, task)
      while true do pcall(error, "caught") end
    end)
    assert.equal(place(deepest, 2), err.where)
    local inner = err.traceback:find("kill_spec.lua:" .. debug.getinfo(deepest, "S").linedefined + 2, 1, true)
    local outer = err.traceback:find("kill_spec.lua:" .. debug.getinfo(middle, "S").linedefined .. ":", 1, true)
    assert.is_true(inner < outer, err.traceback)
    assert.equal(2, select(2, err.traceback:gsub("in the coroutine outside of it:", "")))
  end)

  it("R21: names the line that a waiting task waited in", function()
    local function sleeper() aggr.sleep(100) end
    local task
    local _, err = pcall(aggr.group, function(g)
      task = g:spawn(coroutine.wrap(sleeper))
      aggr.sleep(1)
      testing.kill(task, "enough")
    end)
    assert.equal(place(sleeper, 0), err.where)
    assert.equal("stall", err.kind)
  end)

  it("R21: is the first one's, when its deferred functions are killed too; each of them starts once", function()
    local trace = {}
    local err = killed(function(task)
      for i = 1, 3 do
        aggr.defer(function()
          trace[#trace + 1] = i
          testing.kill(task, "again")
          while true do pcall(error, "x") end
        end)
      end
      testing.kill(task, "first")
      while true do pcall(error, "x") end
    end)
    assert.same({ 3, 2, 1 }, trace)
    assert.equal("first", err.message)
    assert.equal(3, #err.suppressed)
    assert.equal("again", err.suppressed[3].message)
  end)

  it("R21: comes when the library has done what it was doing, but for an endless end of it", function()
    local library = [[
      local kill, task, last = ...
      kill(task, "too long")
      local n = 0
      while n < last do n = n + 1 end
      return n]]
    local inside = assert(loadstring(library, "=(aggr) aggr/inside.lua"))
    local function work(task, last)
      local n = inside(testing.kill, task, last)
      error(n)
    end
    local err = killed(function(task) work(task, 100) end)
    assert.equal("too long", err.message)
    assert.matches("in function 'work'", err.traceback)
    assert.no_matches("inside.lua", err.traceback)
    err = killed(function(task) work(task, math.huge) end)
    assert.equal(place(work, 1), err.where)
    assert.matches("inside.lua:4", err.traceback)
  end)

  it("R21: leaves a thousand times in a row a state that works", function()
    for i = 1, 1000 do
      local err = killed(function(task)
        aggr.defer(function() aggr.sleep(1) end)
        local co = coroutine.wrap(function()
          aggr.group(function(g)
            g:spawn(aggr.sleep, 100)
            testing.kill(task, "kill " .. i)
            while true do pcall(string.rep, "x", 10) end
          end)
        end)
        co()
      end)
      assert.equal("kill " .. i, err.message)
    end
    assert.equal(1, testing.counts().tasks)
    assert.same({ 1, 2 }, (aggr.all { function() return 1 end, function() return 2 end }))
  end)
end)

describe("a scope that recovers", function()
  it("R21: goes on behind itself with the task's failure, and ends the task well", function()
    local trace = {}
    aggr.group(function(g)
      local task
      task = g:spawn(function()
        aggr.defer(function() trace[#trace + 1] = "task" end)
        local s = testing.require("aggr.scope").open {}
        s.recover = function(err)
          trace[#trace + 1] = "recover"
          aggr.sleep(1)
          return err.message
        end
        s:run(function()
          aggr.defer(function() trace[#trace + 1] = "body" end)
          testing.kill(task, "too long")
          while true do pcall(error, "x") end
        end)
      end)
      assert.equal("too long", task:wait())
    end)
    assert.same({ "body", "recover", "task" }, trace)
  end)
end)
