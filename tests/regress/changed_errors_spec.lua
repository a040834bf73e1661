--- Errors and reports are tables that a script may write to; what it wrote ended the run with exit code 70.
local support = require "e2e.support"

local FAILED = 'local aggr = require "aggr" local data, rep = aggr.all { a = error } '
local CHANGES = {
  ['rep.sources = 5 return data, rep'] = 3,
  ['rep.failed = "many" return data, rep'] = 3,
  ['rep.sources.a = "x" return data, rep'] = 3,
  ['local err = rep.sources.a.error err.where, err.message, err.hint, err.suppressed = {}, {}, {}, 5 error(err)'] = 1,
}

describe("a script that writes into its report or error", function()
  for change, code in pairs(CHANGES) do
    it("keeps its exit code: " .. change, function()
      local result = support.script(FAILED .. change)
      assert.equal(code, result.code, result.err)
      if code == 3 then assert.equal("{}\n", result.out) end
      assert.truthy(result.err:find("aggr: cannot show what failed: ", 1, true), result.err)
    end)
  end
end)
