--- libcurl closes a socket that never connected without a word: its watch stayed behind, aborted the
--- process on the closed descriptor, or kept the next socket of that number from being heard.
local support = require "e2e.support"

describe("after connections that were given up half-way", function()
  support.guard(before_each, after_each)

  it("new ones on the same descriptors work", function()
    local fixture = support.fixture()
    local got = support.value(([[
      local aggr = require "aggr"
      local count = 0
      for i = 1, 20 do
        local _, err = aggr.try(aggr.fetch, %q, { timeout = i %% 2 == 0 and 0.001 or 0.02 })
        assert(err.kind == "timeout" and err.phase == "connect", tostring(err))
        count = count + (aggr.fetch(%q, { timeout = 5 }).status == 200 and 1 or 0)
      end
      return count
    ]]):format(fixture:url("/", "stuck"), fixture:url("/json?then=close")))
    assert.equal(20, got)
  end)

  it("nothing is left of those cancelled in the turn they began in", function()
    local failed = support.value(([[
      local aggr = require "aggr"
      local base, list = %q, {}
      for i = 1, 400 do list[i] = i end
      local report = aggr.each(list, function(i)
        if i %% 2 == 0 then
          aggr.try(aggr.fetch, base .. "/truncate")
        else
          aggr.first { base .. "/json?then=close", base .. "/delay/2?ms=2", base .. "/delay/3?ms=3" }
        end
      end, { limit = 100 })
      return report.failed
    ]]):format(support.fixture():url("")), { flags = { "--concurrency", "8" } })
    assert.equal(0, failed)
  end)
end)
