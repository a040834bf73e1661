--- aggr.map.
local aggr = require "aggr"
local support = require "rules.support"

local usage, elapsed, near = support.usage, support.elapsed, support.near

describe("aggr.map", function()
  it("calls fn(item, key) and keeps order and keys", function()
    local data = aggr.map({ 3, 1, 2 }, function(item, key)
      aggr.sleep(item)
      return item * 10 + key
    end)
    assert.same({ 31, 12, 23 }, data)
    assert.same({ a = "1a" }, (aggr.map({ a = 1 }, function(item, key) return item .. key end)))
  end)

  it("does not even start items beyond `limit`", function()
    local started = 0
    aggr.map({ 1, 2, 3, 4, 5 }, function()
      started = started + 1
      aggr.sleep(9)
    end, { limit = 2, deadline = 1 })
    assert.equal(2, started)
  end)

  it("takes false for an item: it may be what aggr.all has put for a failed source", function()
    assert.same({ "1", "false" }, (aggr.map({ 1, false }, tostring)))
  end)

  it("encodes an empty result as an array", function()
    assert.equal("[]", aggr.json.encode((aggr.map({}, tostring))))
  end)

  it("refuses a function that is none, and options that are not its own", function()
    usage("function(item, key)", aggr.map, { 1 })
    usage("unknown option 'client'", aggr.map, { 1 }, tostring, { client = 1 })
  end)

  it("nests: each call has its own limit and deadline", function()
    local took = elapsed(function()
      local data = aggr.map({ 1, 2 }, function()
        local inner = aggr.map({ 1, 1, 9 }, function(s)
          aggr.sleep(s)
          return s
        end, { limit = 1, deadline = 3 })
        return #inner
      end, { limit = 1 })
      assert.same({ 3, 3 }, data)
    end)
    near(6, took)
  end)
end)
