--- A script's own files under lua/aggr/ and lua/prelude/ were taken for the library's: errors named no line of theirs.
local support = require "e2e.support"

describe("a script that lies under", function()
  for _, folder in ipairs { "lua/aggr", "lua/prelude", "aggr", "prelude" } do
    local home = support.folder() .. "/" .. folder:gsub("/", "-")
    support.command { "mkdir", "-p", home .. "/" .. folder }

    local function run(code)
      local path = folder .. "/mine.lua"
      local file = assert(io.open(home .. "/" .. path, "w"))
      file:write('local aggr = require "aggr"\n', code)
      file:close()
      return support.aggr({ "run", path }, { cwd = home })
    end

    it(folder .. "/ is named where it is wrong", function()
      for code, expected in pairs {
        ["aggr.fetch()"] = "usage: aggr.fetch: expected a URL",
        ["error 'oh'"] = "script: oh",
        ["return aggr.fetch()"] = "usage: aggr.fetch: expected a URL",
        ["aggr.group(function(g) g:spawn(function() aggr.fetch() end) end)"] = "usage: aggr.fetch: expected a URL",
      } do
        local result = run(code)
        assert.equal(1, result.code)
        expected = folder .. "/mine.lua:2: " .. expected
        assert.equal(expected, result.err:sub(1, #expected))
      end
      local waits = run("aggr.channel(0):recv()").err
      assert.truthy(waits:find("nothing is pending: " .. folder .. "/mine.lua:2: wait", 1, true), waits)
    end)
  end
end)

describe("the library", function()
  it("is known by its name in a traceback", function()
    local result = support.script("local aggr = require 'aggr'\naggr.group(function() error 'oh' end)\nreturn 1",
      { flags = { "-v" } })
    local pattern = "\n%s+%(aggr%) aggr/scope%.lua:%d+: in function 'group'\n%s+%S-%.lua:2: in main chunk\n"
    assert.truthy(result.err:find(pattern), result.err)
  end)
end)
