--- Globals that nothing defines, and those that a forgotten `local` makes.
local check = require "lua.support.check"
local codes, findings, message = check.codes, check.findings, check.message

describe("an undefined global", function()
  it("is found where it is read, in functions of functions too", function()
    assert.same({ "undefined-global 2:26" }, codes "local x = 1\nreturn function() return nothing end")
    assert.same({ "undefined-global 3:12" },
      codes "return function()\n  return function()\n    return nothing\n  end\nend")
    assert.same({ "undefined-global 3:3" }, codes "local t = {\n  a = 1,\n  b(2),\n  c = 3,\n}\nreturn t")
  end)

  it("is reported for each line that reads it", function()
    assert.same({ "undefined-global 1:7", "undefined-global 2:7" }, codes "print(nothing, nothing)\nprint(nothing)")
  end)

  it("comes with the local or global that was meant", function()
    assert.equal("undefined global 'resutl', did you mean 'result'?", message "local result = 1\nreturn resutl, result")
    assert.equal("undefined global 'pritn', did you mean 'print'?", message "pritn(1)")
    assert.equal("undefined global 'inner'", message "do local inner_one = 1 end\nreturn inner")
    assert.truthy(findings("return aggr.fetch")[1].hint:find('local aggr = require "aggr"', 1, true))
  end)

  it("is none when it is a local, a parameter, a field or Lua's", function()
    assert.same({}, codes [[
      local a = 1
      local function f(b, ...)
        for c = 1, 2 do print(c, b) end
        for d, e in pairs {} do print(d, e) end
        repeat local g = a until g
        return f, a, string.format, arg, _VERSION, jit and jit.os, select("#", ...)
      end
      local t = { nothing = 1 }
      return f, t.nothing, t["nothing"]
    ]])
  end)

  it("is none when the main chunk assigns it", function()
    assert.same({}, codes "limit = 5\nfunction helper() return limit end\nreturn helper()")
    assert.same({}, codes "if print then limit = 5 end\nreturn function() limit = 6 return limit end")
    assert.same({}, codes "_G.limit = 5\n_G['other'] = 6\nreturn limit + other")
  end)

  it("is none when it is asked for by rawget", function()
    assert.same({ "undefined-global 2:8" }, codes "print(rawget(_G, 'nothing'))\nreturn nothing")
  end)

  it("is not looked for where globals come and go unseen", function()
    assert.same({}, codes "dofile 'settings.lua'\nreturn limit")
    assert.same({}, codes "setfenv(1, {})\nreturn limit")
    assert.same({}, codes "setmetatable(_G, {})\nreturn limit")
    assert.same({}, codes "for k, v in pairs { limit = 1 } do _G[k] = v end\nreturn limit")
    assert.same({}, codes "local env = _G\nenv.limit = 1\nreturn limit")
    assert.same({}, codes "load('limit = 1')()\nreturn limit")
  end)

  it("is none when another checked file defines it", function()
    assert.same({}, codes { ["a.lua"] = "require 'b'\nreturn helper()", ["b.lua"] = "function helper() end" })
  end)

  it("is none when a module beside the script defines it", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir -p " .. folder .. "/deep"))
    local function write(name, text)
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write(text)
      file:close()
    end
    write("helper.lua", "require 'deep.er'")
    write("deep/er.lua", "function far_away() end")
    local found = codes { [folder .. "/main.lua"] = "require 'helper'\nreturn far_away(), nothing" }
    os.execute("rm -r " .. folder)
    assert.same({ "undefined-global 2:20" }, found)
  end)
end)

describe("an accidentally assigned global", function()
  it("is found in functions", function()
    assert.same({ "assigned-global 2:3" }, codes "local function f()\n  total = 1\n  return total\nend\nreturn f")
    assert.same({ "assigned-global 1:39", "assigned-global 1:42" },
      codes "return function() for total = 1, 2 do x, y = total end end")
    assert.same({ "assigned-global 2:3" }, codes "return function()\n  total = {\n    1,\n  }\nend")
    assert.same({ "assigned-global 1:28" }, codes "return function() function helper() end end")
    assert.equal("a function assigns the global 'totals', did you mean 'total'?",
      message "return function() local total = 0 totals = 1 return total end")
  end)

  it("is none in the main chunk, with local, or as a field", function()
    assert.same({}, codes "total = 1")
    assert.same({}, codes "return function() local total total = 1 return total end")
    assert.same({}, codes "local t = {}\nreturn function() t.total = 1 end")
    assert.same({}, codes "return function() print = nil end")
  end)
end)
