--- What functions of aggr.work cannot reach in the library of their thread.
local aggr = require "aggr"
local support = require "rules.support"

local work, raised = aggr.work, support.raised

describe("functions of aggr.work", function()
  it("see into functions of their own only", function()
    assert.same({ false, false, false }, { work(function()
      local preloaded, own = package.loaders[1], debug.getmetatable("")
      return debug.getupvalue(preloaded, 1) ~= nil, getfenv(preloaded) ~= getfenv(print), own ~= getmetatable("")
    end) })
    assert.truthy(raised(work, function() setfenv(require, {}) end).message:find("setfenv cannot change", 1, true))
  end)

  it("leave strings as they were", function()
    assert.truthy(raised(work, function() getmetatable("").__index = nil end).message:find("of strings", 1, true))
    assert.equal("aa", work(function() return ("a"):rep(2) end))
  end)
end)
