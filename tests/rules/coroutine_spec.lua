--- User coroutines, places that cannot yield, deadlock: R26, R27, R32.
local aggr = require "aggr"
local testing = require "aggr.testing"

--- Seconds on the clock that fn takes, then its values.
local function timed(fn, ...)
  local began = aggr.now()
  return (function(...) return aggr.now() - began, ... end)(fn(...))
end

local function usage_of(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.equal("usage", err.kind, tostring(err))
  return err
end

describe("R26: user coroutines", function()
  it("R26: a checkpoint inside of coroutine.wrap suspends the whole task", function()
    local trace = {}
    aggr.group(function(g)
      g:spawn(function()
        local next_value = coroutine.wrap(function()
          for i = 1, 3 do
            aggr.sleep(1)
            coroutine.yield(i)
          end
        end)
        for _ = 1, 3 do
          local value = next_value()
          trace[#trace + 1] = value
        end
      end)
      for i = 1, 3 do
        aggr.sleep(0.9)
        trace[#trace + 1] = "other" .. i
      end
    end)
    assert.same({ "other1", 1, "other2", 2, "other3", 3 }, trace)
  end)

  it("R26: several deep, with values in both directions", function()
    local function deep(depth)
      if depth == 0 then
        aggr.sleep(1)
        return coroutine.yield("asked")
      end
      local co = coroutine.create(deep)
      local ok, question = coroutine.resume(co, depth - 1)
      assert(ok and question == "asked")
      local answer = coroutine.yield(question)
      return select(2, coroutine.resume(co, answer))
    end
    local took = timed(function()
      local co = coroutine.create(deep)
      assert.same({ true, "asked" }, { coroutine.resume(co, 5) })
      assert.same({ true, "answer" }, { coroutine.resume(co, "answer") })
      assert.equal("dead", coroutine.status(co))
    end)
    assert.equal(1, took)
  end)

  it("R26: cancellation unwinds through them", function()
    local trace = {}
    local ok, err = pcall(aggr.deadline, 1, function()
      local co = coroutine.wrap(function()
        coroutine.wrap(function()
          aggr.sleep(10)
          trace[#trace + 1] = "inner"
        end)()
        trace[#trace + 1] = "middle"
      end)
      co()
      trace[#trace + 1] = "outer"
    end)
    assert.is_false(ok)
    assert.equal("deadline", err.kind)
    assert.same({}, trace)
  end)

  it("R26: plain yields never reach the scheduler", function()
    local err = usage_of(coroutine.yield, 1)
    assert.matches("coroutine.yield", err.message, 1, true)
    local _, group_err = pcall(aggr.group, function(g) g:spawn(coroutine.yield) end)
    assert.equal("usage", group_err.kind)
  end)

  it("R26: another task cannot resume one that is inside a checkpoint", function()
    local co = coroutine.create(function()
      aggr.sleep(2)
      return "done"
    end)
    local seen
    aggr.group(function(g)
      local first = g:spawn(coroutine.resume, co)
      aggr.sleep(1)
      seen = { coroutine.resume(co) }
      assert.equal("normal", coroutine.status(co))
      assert.same({ true, "done" }, { first:wait() })
    end)
    assert.is_false(seen[1])
    assert.equal("usage", seen[2].kind)
    assert.equal("dead", coroutine.status(co))
  end)

  it("R26: but tasks may share a generator between its yields", function()
    local generator = coroutine.wrap(function()
      for i = 1, 4 do
        aggr.sleep(0)
        coroutine.yield(i)
      end
    end)
    local seen = {}
    aggr.group(function(g)
      for _ = 1, 4 do
        g:spawn(function() seen[#seen + 1] = generator() end):wait()
      end
    end)
    assert.same({ 1, 2, 3, 4 }, seen)
  end)

  it("R26: errors and dead coroutines are as Lua's own", function()
    local raw = testing.originals.coroutine
    for _, lib in ipairs { raw, coroutine } do
      local co = lib.create(function() error("x", 0) end)
      assert.same({ false, "x" }, { lib.resume(co) })
      assert.same({ false, "cannot resume dead coroutine" }, { lib.resume(co) })
      local value = {}
      local wrapped = lib.wrap(function() error(value) end)
      local _, err = pcall(function() wrapped() end)
      assert.equal(value, err)
      local text = select(2, pcall(function() lib.wrap(function() error("y", 0) end)() end))
      assert.matches("coroutine_spec.lua\"?%]?:%d+: y$", text)
    end
  end)

  it("R26: no values stay no values", function()
    assert.equal(1, select("#", coroutine.resume(coroutine.create(function() end))))
    assert.equal(0, select("#", coroutine.wrap(function() end)()))
    assert.equal(3, select("#", coroutine.resume(coroutine.create(function() return nil, nil end))))
  end)

  it("R26: running, status and isyieldable tell what the script can know", function()
    assert.is_nil(coroutine.running())
    assert.is_false(coroutine.isyieldable())
    local co
    co = coroutine.create(function()
      assert.equal(co, coroutine.running())
      assert.equal("running", coroutine.status(co))
      assert.is_true(coroutine.isyieldable())
      aggr.sleep(0)
      assert.equal(co, coroutine.running())
    end)
    assert.equal("suspended", coroutine.status(co))
    assert.same({ true }, { coroutine.resume(co) })
  end)
end)

describe("R27: where a yield is impossible", function()
  local function sort_with(fn)
    return function() table.sort({ 3, 1, 2 }, fn) end
  end

  local places = {
    ["table.sort"] = sort_with(function(a, b)
      aggr.sleep(1)
      return a < b
    end),
    ["print"] = function() print(setmetatable({}, { __tostring = function() aggr.sleep(1) end })) end,
    ["string.format"] = function()
      return ("%s"):format(setmetatable({}, { __tostring = function() aggr.sleep(1) end }))
    end,
  }
  for name, fn in pairs(places) do
    it("R27: the error names " .. name .. " and the way out", function()
      local err = usage_of(fn)
      assert.matches(name, err.message, 1, true)
      assert.is_string(err.hint)
      assert.matches("coroutine_spec.lua:%d+$", err.where)
    end)
  end

  it("R27: an xpcall handler", function()
    local inner
    xpcall(error, function()
      inner = select(2, pcall(aggr.sleep, 1))
    end, "x")
    assert.equal("usage", inner.kind)
    assert.matches("xpcall handler", inner.message, 1, true)
  end)

  it("R27: an xpcall handler whose wait nobody caught gives its error, not Lua's 'error in error handling'", function()
    local ok, err = xpcall(error, function() aggr.sleep(1) end, "x")
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    assert.matches("xpcall handler", err.message, 1, true)
    assert.same({ false, "error in error handling" }, { xpcall(error, function() error("again") end, "x") })
  end)

  it("R27: a finalizer", function()
    local inner
    do
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = function() inner = select(2, pcall(aggr.sleep, 1)) end
    end
    collectgarbage()
    collectgarbage()
    assert.equal("usage", inner.kind)
  end)

  it("R27: a coroutine inside a comparator raises in the coroutine", function()
    local steps = {}
    local err = usage_of(sort_with(function(a, b)
      return coroutine.wrap(function()
        steps.before = true
        aggr.sleep(1)
        steps.after = true
        return a < b
      end)()
    end))
    assert.matches("table.sort", err.message, 1, true)
    assert.is_true(steps.before)
    assert.is_nil(steps.after)
  end)

  it("R27: the coroutine can go on from there", function()
    local sorted = { 3, 1, 2 }
    table.sort(sorted, function(a, b)
      return coroutine.wrap(function()
        assert(not pcall(aggr.sleep, 1))
        assert(not pcall(aggr.sleep, 0))
        return a < b
      end)()
    end)
    assert.same({ 1, 2, 3 }, sorted)
  end)

  it("R27: scopes do not open where they could not wait", function()
    local body = false
    local function try_group()
      pcall(aggr.group, function() body = true end)
      aggr.group(function() body = true end)
    end
    usage_of(sort_with(try_group))
    usage_of(sort_with(function() coroutine.wrap(try_group)() end))
    usage_of(sort_with(function() coroutine.wrap(function() coroutine.wrap(try_group)() end)() end))
    assert.is_false(body)
  end)

  it("R27: nothing is left after a refused wait", function()
    usage_of(places["table.sort"])
    assert.equal(0, testing.counts().timers)
    local took = timed(aggr.sleep, 1)
    assert.equal(1, took)
  end)
end)

describe("R27: when every task waits and nothing is pending", function()
  it("R27: the main task gets an error that lists each waiting line", function()
    local me = testing.require "aggr.core.task"
    local ok, err = pcall(aggr.group, function(g)
      for _ = 1, 2 do
        g:spawn(function()
          me.park()
          local _, what = me.parked()
          error(what, 0)
        end)
      end
    end)
    assert.is_false(ok)
    assert.equal("script", err.kind)
    assert.matches("nothing is pending", err.message, 1, true)
    local _, places = err.message:gsub("coroutine_spec%.lua:%d+: ", "")
    assert.equal(2, places)
    assert.matches("wait (2 tasks)", err.message, 1, true)
    assert.matches(": join", err.message, 1, true)
  end)

  it("R27: in the main task's own wait", function()
    local ch = aggr.channel(1)
    local ok, err = pcall(ch.recv, ch)
    assert.is_false(ok)
    assert.equal("script", err.kind)
  end)

  it("R27: defers still run, and a script that catches it can go on", function()
    local trace = {}
    pcall(aggr.group, function(g)
      local ch = aggr.channel(1)
      g:spawn(function()
        aggr.defer(function()
          aggr.sleep(1)
          trace[#trace + 1] = "deferred"
        end)
        ch:recv()
      end)
    end)
    assert.same({ "deferred" }, trace)
    assert.equal(1, (timed(aggr.sleep, 1)))
  end)
end)

describe("R32: a plain yield out of an open scope", function()
  for _, name in ipairs { "group", "deadline", "shield" } do
    it("R32: out of " .. name .. " is a usage error", function()
      local generator = coroutine.wrap(function()
        local function body() coroutine.yield(1) end
        if name == "group" then aggr.group(body) else aggr[name](10, body) end
      end)
      local err = usage_of(generator)
      assert.matches("coroutine.yield", err.message, 1, true)
    end)
  end

  it("R32: a generator may open and close scopes between its yields", function()
    local generator = coroutine.wrap(function()
      for i = 1, 3 do
        aggr.deadline(10, aggr.sleep, 1)
        coroutine.yield(i)
      end
    end)
    local took = timed(aggr.deadline, 60, function()
      for i = 1, 3 do assert.equal(i, generator()) end
    end)
    assert.equal(3, took)
  end)

  it("R32: a generator may yield inside of its consumer's scope", function()
    local seen = {}
    aggr.group(function()
      aggr.deadline(10, function()
        for i in coroutine.wrap(function()
          for i = 1, 3 do
            aggr.sleep(0)
            coroutine.yield(i)
          end
        end) do
          seen[#seen + 1] = i
        end
      end)
    end)
    assert.same({ 1, 2, 3 }, seen)
  end)

  it("R32: isyieldable says no there", function()
    local inside, outside
    coroutine.wrap(function()
      outside = coroutine.isyieldable()
      aggr.group(function() inside = coroutine.isyieldable() end)
    end)()
    assert.is_true(outside)
    assert.is_false(inside)
  end)
end)
