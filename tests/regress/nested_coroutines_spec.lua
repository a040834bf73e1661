--- Endless recursion through coroutines ran off the end of the C stack: no error, a crash.
local support = require "e2e.support"

describe("recursion through coroutines", function()
  it("without end is an error at its line", function()
    local result = support.script [[
      local function deeper() return (coroutine.wrap(deeper)()) end
      local ok, err = pcall(deeper)
      assert(not ok and tostring(err):find("stack overflow"))
      deeper()]]
    assert.equal(1, result.code)
    assert.truthy(result.err:find("%.lua:1: script: stack overflow: 50000 coroutines inside one another\n"), result.err)
  end)

  it("of a thousand levels may wait in the innermost", function()
    assert.equal(7, support.value [[
      local aggr = require "aggr"
      local function deeper(n)
        if n == 0 then aggr.sleep(0.001) return 7 end
        return coroutine.wrap(deeper)(n - 1)
      end
      for _ = 1, 60 do deeper(1000) end
      return deeper(1000)]])
  end)
end)
