--- Misuse that was noticed inside the library named lines of lua/aggr and lua/prelude, and their variables.
local support = require "e2e.support"

local MISUSE = {
  ['aggr.group(function(g) g.spawn(print) end)'] = "usage: group:spawn is a method: call it with a colon",
  ['aggr.group(function(g) g.cancel() end)'] = "usage: group:cancel is a method: call it with a colon",
  ['aggr.group(function(g) g:spawn(type, 1).wait() end)'] = "usage: task:wait is a method: call it with a colon",
  ['aggr.group(function(g) g:spawn(type, 1).cancel() end)'] = "usage: task:cancel is a method: call it with a colon",
  ['coroutine.resume(5)'] = "script: bad argument #1 to 'resume' (coroutine expected)",
  ['coroutine.wrap(5)'] = "script: bad argument #1 to 'wrap' (function expected, got number)",
  ['coroutine.yield(5)'] = "usage: coroutine.yield outside of a coroutine",
  ['pcall()'] = "script: bad argument #1 to 'pcall' (value expected)",
  ['dofile({})'] = "script: bad argument #1 to 'dofile' (string expected, got table)",
  ['aggr.each(ipairs {}, type)'] = "script: bad argument #1 to 'input' (table expected, got no value)",
  ['aggr.all({ a = type }, { client = 5 })'] = "usage: aggr.all: client must come from aggr.client, got 5",
  ['aggr.first({ a = type }, { client = 5 })'] = "usage: aggr.first: client must come from aggr.client, got 5",
  ['aggr.all({}, { client = aggr })'] =
    "usage: aggr.all: client must come from aggr.client, got aggr itself (call it with a dot: aggr.name(…))",
  ['aggr:all({})'] = "usage: aggr.all takes a table, got aggr itself (call it with a dot: aggr.name(…))",
  ['aggr.map(aggr.client {}, type)'] = "usage: aggr.map takes a table, got an aggr.Client",
}

describe("misuse is explained at the script's line:", function()
  for code, expected in pairs(MISUSE) do
    it(code, function()
      local result = support.script('local aggr = require "aggr"\n' .. code)
      assert.equal(1, result.code)
      assert.equal(".lua:2: " .. expected, result.err:match("^[^\n]-(%.lua:.-)\n"), result.err)
    end)
  end

  it("a module with a syntax error is shown at its own line", function()
    local path = support.file("local x = = 1\n", "_module.lua")
    local result = support.script(("require %q"):format(path:match("([^/]+)%.lua$")))
    assert.equal(1, result.code)
    assert.truthy(result.err:find(path .. ":1: script: unexpected symbol near '='\n  1 | local x = = 1\n", 1, true),
      result.err)
  end)
end)
