--- The beginning of an option's name got no suggestion, a name of one letter that of any other.
local support = require "e2e.support"

describe("an unknown option", function()
  it("that begins a known one's name suggests it on the command line", function()
    local MEANT = { ["--conc"] = "--concurrency", ["--env=1"] = "--envelope", ["--log-f"] = "--log-format" }
    for typed, meant in pairs(MEANT) do
      local result = support.aggr { "run", typed, "-e", "return 1" }
      assert.equal(2, result.code)
      assert.truthy(result.err:find(("unknown option '%s', did you mean '%s'?"):format(typed:match("[^=]+"), meant), 1,
        true), result.err)
    end
  end)

  it("and in a script", function()
    local result = support.script 'require("aggr").fetch("http://x", { redir = 1 })'
    assert.truthy(result.err:find("unknown option 'redir', did you mean 'redirects'?", 1, true), result.err)
  end)

  it("of which no letter fits suggests nothing", function()
    local result = support.script 'require("aggr").all({ a = type }, { need = { "b" } })'
    assert.truthy(result.err:find("need names the source 'b', which is not there\n", 1, true), result.err)
  end)
end)
