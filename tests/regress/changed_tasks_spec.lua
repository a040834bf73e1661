--- A script that wrote into its task had the group wait for it for ever, at 100 % of a processor.
local support = require "e2e.support"

describe("a script that writes into its task", function()
  for name, change in pairs {
    ["one field"] = "t.scope = nil",
    ["all fields"] = "for k in pairs(t) do t[k] = nil end",
  } do
    it("is told that nothing happens any more: " .. name, function()
      local result = support.script(([[
        local aggr = require "aggr"
        aggr.group(function(g)
          local t = g:spawn(aggr.sleep, 0.01)
          %s
        end)]]):format(change), { limit = 5, env = { AGGR_AUDIT = false } })
      assert.is_falsy(result.timed_out)
      assert.equal(1, result.code, result.err)
      assert.matches("script: every task waits and nothing is pending: [^\n]*%.lua:2: join", result.err)
    end)
  end
end)
