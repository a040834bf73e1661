--- A connection of libcurl's that had just become idle was cut, when an event was still to come for what had been read
--- already: the next request on it failed with "connection reset before the first byte".
local support = require "e2e.support"

describe("a connection that is used again at once", function()
  support.guard(before_each, after_each)

  it("is not cut for an event that is late", function()
    local result = support.script([[
      local aggr = require "aggr"
      local url, list = arg[1], {}
      for i = 1, 4000 do list[i] = i end
      return aggr.each(list, function() aggr.fetch(url) end, { limit = 100 })]],
      { args = { support.fixture():url("/bytes?n=100000") }, limit = 60,
        flags = { "--transport", "curl", "--max-buffered", "1MiB", "--concurrency", "100", "--per-host", "100",
          "--stall", "0" } })
    assert.equal(0, result.code, result.err)
  end)
end)
