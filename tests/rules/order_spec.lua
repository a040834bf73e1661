--- One instant, one order: R33.
local aggr = require "aggr"

describe("R33: ties", function()
  it("R33: deadlines go before other timers, the outermost first", function()
    local trace = {}
    pcall(aggr.group, function(g)
      g:spawn(function()
        aggr.sleep(5)
        trace[#trace + 1] = "timer"
      end)
      g:spawn(function()
        pcall(aggr.deadline, 5, function()
          aggr.defer(function() trace[#trace + 1] = "deadline" end)
          aggr.sleep(60)
        end)
      end)
    end)
    assert.same({ "deadline", "timer" }, trace)
  end)

  it("R33: other timers go in the order they were set", function()
    local trace = {}
    aggr.group(function(g)
      for i = 1, 5 do
        g:spawn(function()
          aggr.sleep(i <= 2 and 1 or 0)
          aggr.sleep(i <= 2 and 4 or 5)
          trace[#trace + 1] = i
        end)
      end
    end)
    assert.same({ 3, 4, 5, 1, 2 }, trace)
  end)

  it("R33: the run queue is first in first out", function()
    local trace = {}
    aggr.group(function(g)
      for i = 1, 3 do
        g:spawn(function()
          trace[#trace + 1] = i
          aggr.sleep(0)
          trace[#trace + 1] = i + 10
        end)
      end
    end)
    assert.same({ 1, 2, 3, 11, 12, 13 }, trace)
  end)

  it("R33: spawn only queues", function()
    local trace = {}
    aggr.group(function(g)
      g:spawn(function() trace[#trace + 1] = "child" end)
      trace[#trace + 1] = "body"
    end)
    assert.same({ "body", "child" }, trace)
  end)

  it("R33: a drain runs only what was queued when it began: timers come in between", function()
    local turns = 0
    aggr.group(function(g)
      local done = false
      g:spawn(function()
        while not done do
          aggr.sleep(0)
          turns = turns + 1
          if turns > 1000 then return end
        end
      end)
      g:spawn(function()
        pcall(aggr.deadline, 0, aggr.sleep, 10)
        done = true
      end)
    end)
    assert.is_true(turns < 5)
  end)

  it("R33: sleep(0) always yields", function()
    local trace = {}
    aggr.group(function(g)
      local stop
      g:spawn(function()
        while not stop do
          trace[#trace + 1] = "a"
          aggr.sleep(0)
        end
      end)
      aggr.sleep(0)
      aggr.sleep(0)
      stop = true
    end)
    assert.same({ "a", "a" }, trace)
  end)

  it("R33: an uncontended checkpoint yields every 100th time", function()
    local counted = {}
    aggr.group(function(g)
      local task = g:spawn(function() return 1 end)
      task:wait()
      local other = 0
      local stop
      g:spawn(function()
        while not stop do
          other = other + 1
          aggr.sleep(0)
        end
      end)
      for i = 1, 1000 do
        task:wait()
        counted[i] = other
      end
      stop = true
    end)
    assert.equal(0, counted[99])
    assert.is_true(counted[1000] >= 9 and counted[1000] <= 10)
  end)

  it("R33: named sources start in sorted key order", function()
    local trace = {}
    local sources = {}
    for _, key in ipairs { "c", "a", "b", "aa" } do
      sources[key] = function()
        trace[#trace + 1] = key
        return 1
      end
    end
    aggr.all(sources)
    assert.same({ "a", "aa", "b", "c" }, trace)
  end)
end)
