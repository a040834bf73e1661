--- aggr.each: any input, nothing kept.
local aggr = require "aggr"
local support = require "rules.support"

local raised, usage = support.raised, support.usage

local function counter(n)
  local i = 0
  return function()
    i = i + 1
    if i <= n then return i, i * 2 end
  end
end

describe("aggr.each", function()
  it("calls fn(item, index) for a list", function()
    local seen = {}
    local report = aggr.each({ "a", "b" }, function(item, index) seen[index] = item end)
    assert.same({ "a", "b" }, seen)
    assert.is_true(report.complete)
    assert.same({ 2, 2, 0 }, { report.total, report.succeeded, report.failed })
  end)

  it("hands all values an iterator yields to fn", function()
    local sum = 0
    aggr.each(counter(3), function(i, double) sum = sum + i + double end)
    assert.equal(18, sum)
  end)

  it("drains a channel while others fill it", function()
    local ch = aggr.channel(2)
    local got = {}
    aggr.group(function(g)
      g:spawn(function()
        for i = 1, 10 do ch:send(i) end
        ch:close()
      end)
      aggr.each(ch, function(item)
        aggr.sleep(1)
        got[#got + 1] = item
      end, { limit = 3 })
    end)
    assert.equal(10, #got)
  end)

  it("takes an item only when a child may start", function()
    local taken, running = 0, 0
    local function input()
      taken = taken + 1
      assert.is_true(running < 2)
      return taken <= 5 and taken or nil
    end
    aggr.each(input, function()
      running = running + 1
      aggr.sleep(1)
      running = running - 1
    end, { limit = 2 })
    assert.equal(6, taken)
  end)

  it("lets the iterator wait while the children run", function()
    local at = aggr.now()
    local n = 0
    local report = aggr.each(function()
      n = n + 1
      aggr.sleep(1)
      return n <= 3 and n or nil
    end, aggr.sleep)
    assert.is_true(math.abs(aggr.now() - at - 6) < 1e-6)
    assert.is_true(report.complete)
  end)

  it("counts failures by kind and keeps the first 100 Errors with their numbers", function()
    local report = aggr.each(counter(250), function(i)
      if i % 2 == 0 then error("even", 0) end
    end)
    assert.same({ 250, 125, 125 }, { report.total, report.succeeded, report.failed })
    assert.same({ script = 125 }, report.by_kind)
    assert.equal(100, #report.errors)
    assert.equal(2, report.errors[1].source)
    assert.is_nil(report.sources)
    assert.equal(125, aggr.json.decode(aggr.json.encode(report)).by_kind.script)
  end)

  it("returns at its deadline: running children fail with kind deadline, the rest of a list counts", function()
    local report = aggr.each({ 1, 9, 9, 9 }, aggr.sleep, { limit = 2, deadline = 2.5 })
    assert.is_false(report.complete)
    assert.same({ 4, 1, 3 }, { report.total, report.succeeded, report.failed })
    assert.same({ deadline = 2 }, report.by_kind)
    assert.equal("deadline", report.errors[1].kind)
  end)

  it("is not complete when its deadline stopped the input, though every item went well", function()
    local report = aggr.each(counter(math.huge), function() aggr.sleep(1) end, { limit = 1, deadline = 3.5 })
    assert.is_false(report.complete)
    assert.equal(3, report.succeeded)
  end)

  it("is not complete when its deadline found the input waiting", function()
    local asked = 0
    local report = aggr.each(function()
      asked = asked + 1
      if asked > 1 then aggr.sleep(9) end
      return asked
    end, function() end, { deadline = 1 })
    assert.is_false(report.complete)
    assert.same({ 1, 1, 0 }, { report.total, report.succeeded, report.failed })
  end)

  it("raises the iterator's own error after its children have ended", function()
    local ended = 0
    local err = raised(aggr.each, function()
      if ended == 0 then
        aggr.sleep(1)
        error("broken", 0)
      end
    end, function() end)
    assert.equal("broken", err.value)
    local n = 0
    err = raised(aggr.each, function()
      n = n + 1
      if n == 3 then error("broken", 0) end
      return n
    end, function()
      aggr.defer(function()
        aggr.sleep(1)
        ended = ended + 1
      end)
      aggr.sleep(9)
    end)
    assert.equal("broken", err.value)
    assert.equal(2, ended)
  end)

  it("needs all with need = true: the first failure cancels the rest and is raised", function()
    local cancelled = 0
    local err = raised(aggr.each, counter(1000), function(i)
      if i == 3 then
        aggr.sleep(1)
        error("third", 0)
      end
      aggr.defer(function() cancelled = cancelled + 1 end)
      aggr.sleep(9)
    end, { need = true, limit = 5 })
    assert.equal("third", err.value)
    assert.equal(3, err.source)
    assert.equal(4, cancelled)
    assert.equal(5, err.report.total)
  end)

  it("needs n with need = n", function()
    local function odd(i) if i % 2 == 0 then error("even", 0) end end
    assert.equal(3, aggr.each(counter(5), odd, { need = 3 }).succeeded)
    assert.equal("even", raised(aggr.each, counter(5), odd, { need = 4 }).value)
    usage("only 2 items", aggr.each, counter(2), function() end, { need = 3 })
    usage("need must be true or a number", aggr.each, { 1 }, odd, { need = { 1 } })
  end)

  it("never settles kind usage", function()
    usage("aggr.all takes a table", aggr.each, counter(math.huge), function(i)
      if i == 500 then aggr.all(12) end
    end)
  end)

  it("refuses what is no input", function()
    usage("a list, a channel or an iterator", aggr.each, 12, function() end)
    usage("a list, a channel or an iterator", aggr.each, { a = 1 }, function() end)
    usage("function(item)", aggr.each, { 1 })
    usage("unknown option 'fallback'", aggr.each, { 1 }, tostring, { fallback = {} })
  end)

  it("does not grow with the number of items", function()
    local function used()
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    aggr.each(counter(2000), function() end)
    local before = used()
    local during
    aggr.each(counter(8000), function(i)
      if i == 7900 then during = used() end
    end)
    assert.is_true(during - before < 64, ("grew by %d KiB"):format(during - before))
  end)
end)
