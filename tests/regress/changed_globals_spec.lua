--- A script that took functions out of `string` or `package` broke the library: internal errors, exit code 70.
local support = require "e2e.support"

local CHANGES = {
  ["empties string"] = "for name in pairs(string) do string[name] = nil end",
  ["replaces functions of string"] = "string.format, string.gsub, string.match = error, error, error",
  ["empties its globals"] = "local g = _G for name in g.pairs(g) do g[name] = nil end",
  ["has strict globals"] = "setmetatable(_G, { __index = error, __newindex = error })",
}

describe("a script that", function()
  support.guard(before_each, after_each)

  for name, change in pairs(CHANGES) do
    it(name .. " still has a library that works", function()
      local result = support.script(([[
        local aggr = require "aggr" %s
        return aggr.all({ a = %q, b = "http://127.0.0.1:1/" }, { fallback = { b = "none" } })]]):format(
        change, support.fixture():url("/json/1")), { flags = { "--log-format", "json" } })
      assert.equal(3, result.code, result.err)
      assert.truthy(result.out:find('"b":"none"', 1, true), result.out)
      assert.truthy(result.err:find('"kind":"connect"', 1, true), result.err)
    end)

    it(name .. " still has its errors explained", function()
      local result = support.script('local aggr = require "aggr" local raise = error\n' .. change .. '\nraise("oh")')
      assert.equal(1, result.code)
      assert.truthy(result.err:find("%.lua:3: script: oh\n  3 | raise%(\"oh\"%)"), result.err)
    end)
  end

  for name, assignment in pairs {
    ["takes methods from strings"] = 'getmetatable("").__index = nil',
    ["gives strings endless methods"] = 'debug.getmetatable("").__index = function() while true do end end',
    ["shows strings otherwise"] = 'getmetatable("").__tostring = function() return 5 end',
    ["hides the metatable of strings"] = 'getmetatable("").__metatable = 5',
  } do
    it(name .. " is told that the runtime needs them", function()
      local result = support.script(assignment, { limit = 5 })
      assert.equal(1, result.code, result.err)
      assert.matches("%.lua:1: usage: the runtime needs __%l+ of strings", result.err)
    end)
  end

  it("gives strings operators has them, and finds its table string where Lua has it", function()
    assert.same({ "a+b", true, true }, support.value [[
      getmetatable("").__add = function(a, b) return a .. "+" .. b end
      local meta = getmetatable("")
      return { "a" + "b", meta.__index == string, debug.getmetatable("") == meta and meta.__add ~= nil }]])
  end)

  it("adds a function to string has it as a method", function()
    assert.same("ab", support.value 'function string.twice(s) return s .. s end return ("a"):twice():gsub("aa", "ab")')
  end)

  it("loses package.loaded is told of missing modules by name", function()
    local result = support.script 'package.loaded = nil require "no_such_module"'
    assert.truthy(result.err:find("%.lua:1: script: module 'no_such_module' not found"), result.err)
  end)

  it("asks for the registry is refused", function()
    local result = support.script 'debug.getregistry()'
    assert.equal(1, result.code)
    assert.truthy(result.err:find("lua:1: usage: debug.getregistry is not for scripts: ", 1, true), result.err)
  end)
end)
