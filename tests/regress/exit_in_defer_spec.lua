--- os.exit in a deferred function was reported as deferred functions that took too long.
local support = require "e2e.support"

describe("os.exit in a deferred function", function()
  it("ends the run with its code, quietly, and the others still run", function()
    local result = support.script [[
      local aggr = require "aggr"
      aggr.defer(function() aggr.sleep(0.001) aggr.emit "last" end)
      aggr.defer(function() os.exit(5) end)]]
    assert.same({ 5, '"last"\n', "" }, { result.code, result.out, result.err })
  end)

  it("of a task does so too", function()
    local result = support.script [[
      local aggr = require "aggr"
      aggr.group(function(g)
        g:spawn(function() aggr.defer(function() os.exit(6) end) end)
        aggr.sleep(10)
      end)]]
    assert.same({ 6, "" }, { result.code, result.err })
  end)
end)
