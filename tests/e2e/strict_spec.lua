--- Strict scripts: undefined globals, in whose code they are mistakes and in whose they are not.
local support = require "e2e.support"

--- A folder with these files, path -> content.
local count = 0
local function tree(files)
  count = count + 1
  local home = ("%s/strict-%d"):format(support.folder(), count)
  for path, content in pairs(files) do
    support.command { "mkdir", "-p", (home .. "/" .. path):match("^(.*)/") }
    local file = assert(io.open(home .. "/" .. path, "w"))
    file:write(content)
    file:close()
  end
  return home
end

local function refused(result, text)
  assert.equal(1, result.code, result.err)
  assert.equal("", result.out)
  assert.truthy(result.err:find(text, 1, true), result.err)
end

local function fine(result, out)
  assert.equal(0, result.code, result.err)
  assert.equal(out, result.out)
  assert.equal("", result.err)
end

describe("a strict script", function()
  it("is told of an undefined global where it is read, and what was meant", function()
    local result = support.script('local x = 1\nlocal y = x\n  + prnt("a")')
    refused(result, ":3: usage: undefined global 'prnt', did you mean 'print'?\n  3 |   + prnt(\"a\")\n    |     ^\n")
  end)

  it("is told of a near local, an upvalue, or a function of a library", function()
    refused(support.script "local results = {}\nreturn resluts", "global 'resluts', did you mean 'results'?")
    refused(support.script "local total = 0\nlocal function f() return total + totl end\nf()",
      ":2: usage: undefined global 'totl', did you mean 'total'?")
    refused(support.script 'fetch "http://127.0.0.1:1/"', "global 'fetch', did you mean 'aggr.fetch'?")
    refused(support.script "insert({}, 1)", "global 'insert', did you mean 'table.insert'?")
  end)

  it("is told how to begin", function()
    refused(support.script "aggr.sleep(0)", "global 'aggr'\n  1 | aggr.sleep(0)\n    | ^\n  hint: scripts begin with:")
  end)

  it("is told of a global assigned inside a function", function()
    local result = support.script("local count = 0\nlocal function add()\n  cuont = count + 1\nend\nadd()")
    refused(result, ":3: usage: assignment to undefined global 'cuont' inside a function, did you mean 'count'?\n")
    assert.truthy(result.err:find("hint: write 'local cuont'", 1, true), result.err)
    refused(support.script "local function f() function helper() end end f()", "undefined global 'helper' inside")
  end)

  it("declares globals at its top level, nil ones too", function()
    fine(support.script [[
      if true then limit = 3 end
      unset, bit = nil, nil
      function double(n) return n * 2 end
      local function use()
        limit = limit + 1
        local before = unset
        unset = "set"
        limit, unset = double(limit), before
        return unset == nil and bit == nil and limit
      end
      return use()]], "8\n")
  end)

  it("asks for globals as fields of _G, or with rawget", function()
    fine(support.script [[
      local name = "nothing"
      local function ask()
        if _G.nothing and nothing.more then return 1 end
        for _ = 1, 300 do if _G["nothing"] or _G[name] or rawget(_G, name) then return 2 end end
        _G.made = 3
        return made
      end
      return ask()]], "3\n")
    refused(support.script "local t = {}\nreturn t.nothing or\n nothing", ":3: usage: undefined global 'nothing'")
  end)

  it("can catch it, in a task, a coroutine and compiled code alike", function()
    fine(support.script [[
      local aggr = require "aggr"
      local function read() return nothing end
      local caught = 0
      local function try(...)
        local ok, err = pcall(...)
        if not ok and err.kind == "usage" and err.where:find(":2$") then caught = caught + 1 end
      end
      for _ = 1, 300 do try(read) end
      try(coroutine.wrap(read))
      try(aggr.group, function(g) g:spawn(read) end)
      try(aggr.all, { a = read })
      return caught]], "303\n")
  end)

  it("counts code without a file as its own", function()
    refused(support.script 'local f = load "return 1 +\\n nothing" f()', ':2: usage: undefined global \'nothing\'')
    refused(support.script 'load("(function() made = 1 end)()", "=text")()', "text:1: usage: assignment to undefined")
    fine(support.script 'load "made = 5"() return made', "5\n")
    refused(support.aggr { "run", "-e", "return nothing" }, "-e:1: usage: undefined global 'nothing'")
    refused(support.aggr({ "run", "-" }, { stdin = "\nreturn nothing" }), "stdin:2: usage: undefined global 'nothing'")
    fine(support.aggr { "run", "-e", "return { type(aggr), #arg }" }, '["table",0]\n')
  end)

  it("leaves functions with an environment of their own alone", function()
    fine(support.script [[
      local function f() made = 1 return nothing end
      setfenv(f, setmetatable({}, { __index = _G }))
      local loaded = load("made = 2 return nothing", "x", "t", {})
      return f() == nil and loaded() == nil and _G.made == nil]], "true\n")
  end)

  it("may set a metatable on _G, which then decides", function()
    fine(support.script [[
      local function read() return nothing end
      setmetatable(_G, { __index = function(_, name) return "<" .. name .. ">" end })
      return read()]], '"<nothing>"\n')
    refused(support.script [[
      local own = getmetatable(_G)
      own.__index = function(_, name) error("mine: " .. name, 2) end
      local function read() return nothing end
      read()]], ":3: script: mine: nothing")
  end)

  it("is not checked under --no-strict and AGGR_NO_STRICT", function()
    local code = "local function f() made = 1 end f() return { made, nothing == nil }"
    fine(support.script(code, { flags = { "--no-strict" } }), "[1,true]\n")
    fine(support.script(code, { env = { AGGR_NO_STRICT = "1" } }), "[1,true]\n")
    refused(support.script(code, { env = { AGGR_NO_STRICT = "0" } }), "undefined global 'made'")
  end)
end)

describe("modules of a strict script", function()
  local READS = "return function() return nothing == nil end"
  local MAKES = "return function() made = 1 return made end"

  it("in its folder and below are checked too, however it and they are found", function()
    local home = tree {
      ["main.lua"] = "return require(...)()", ["beside.lua"] = READS, ["deep/down/er.lua"] = MAKES, ["other/x"] = "",
    }
    for _, script in ipairs { "main.lua", "./main.lua", home .. "/main.lua", home .. "/other/../main.lua" } do
      refused(support.aggr({ "run", script, "beside" }, { cwd = home }), "beside.lua:1: usage: undefined global")
      refused(support.aggr({ "run", script, "deep.down.er" }, { cwd = home }), "er.lua:1: usage: assignment to ")
    end
    refused(support.aggr({ "run", "-e", "return require(...)()", "beside" }, { cwd = home }), "beside.lua:1: usage: ")
    local path = { LUA_PATH = home .. "/?.lua" }
    refused(support.aggr({ "run", "main.lua", "beside" }, { cwd = home, env = path }), "beside.lua:1: usage: ")
  end)

  it("declare what they assign at their top level", function()
    local home = tree {
      ["main.lua"] = "require 'decl' return shared()", ["decl.lua"] = "function shared() return 7 end",
    }
    fine(support.aggr { "run", home .. "/main.lua" }, "7\n")
  end)

  it("from other folders and installed trees are not checked", function()
    local home = tree {
      ["app/main.lua"] = "return require(...)()", ["lib/reads.lua"] = READS, ["lib/makes.lua"] = MAKES,
      ["app/.rocks/share/lua/5.1/vendored.lua"] = MAKES, ["app-lib/near.lua"] = MAKES,
      ["lib/loads.lua"] = [[
        return load("local x = nothing return function() y = 1 return nothing == nil end", "=made")()]],
    }
    local lib = { LUA_PATH = home .. "/lib/?.lua" }
    fine(support.aggr({ "run", "main.lua", "reads" }, { cwd = home .. "/app", env = lib }), "true\n")
    local up = { LUA_PATH = home .. "/app/../lib/?.lua" }
    fine(support.aggr({ "run", home .. "/app/main.lua", "reads" }, { env = up }), "true\n")
    local path = { LUA_PATH = ("@/lib/?.lua;@/app/.rocks/share/lua/5.1/?.lua;@/app-lib/?.lua"):gsub("@", home) }
    for name, out in pairs { reads = "true\n", makes = "1\n", vendored = "1\n", near = "1\n", loads = "true\n" } do
      fine(support.aggr({ "run", home .. "/app/main.lua", name }, { env = path }), out)
    end
  end)

  it("of the old style work, with and without package.seeall", function()
    local home = tree {
      ["main.lua"] = "require 'old' require 'bare' return { old.count(), old.count(), bare.answer }",
      ["old.lua"] = "module('old', package.seeall)\nfunction count() total = (total or 0) + 1 return total end",
      ["bare.lua"] = "module 'bare'\nanswer = 42",
    }
    fine(support.aggr { "run", home .. "/main.lua" }, "[1,2,42]\n")
  end)
end)

describe("bytecode", function()
  it("is not loaded, whatever it is read with", function()
    local home = tree { ["compiled.lua"] = string.dump(function() return 1 end) }
    fine(support.script(([[
      local code, file = string.dump(function() return 1 end), %q
      package.path = %q
      local said = 0
      for _, try in ipairs {
        function() return load(code) end, function() return loadstring(code) end,
        function() return load(function() local piece = code code = nil return piece end) end,
        function() return loadfile(file) end, function() return select(2, pcall(dofile, file)) end,
        function() return select(2, pcall(require, "compiled")) end,
      } do
        local first, second = try()
        if tostring(second or first):find("only Lua text is loaded, not bytecode", 1, true) then said = said + 1 end
        code = code or string.dump(try)
      end
      return said]]):format(home .. "/compiled.lua", home .. "/?.lua")), "6\n")
  end)
end)
