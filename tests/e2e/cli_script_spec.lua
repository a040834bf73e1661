--- What a script is, where it comes from, what it finds around itself; scripts that are none.
local support = require "e2e.support"

describe("a script", function()
  it("comes from a file, from stdin or from -e", function()
    assert.equal("1\n", support.script("return 1").out)
    assert.equal("2\n", support.aggr({ "run", "-" }, { stdin = "return 2" }).out)
    assert.equal("3\n", support.aggr({ "run", "-e", "return 3" }).out)
  end)

  it("may begin with a shebang, and its lines keep their numbers", function()
    assert.equal("1\n", support.script("#!/usr/bin/env -S aggr run\nreturn 1").out)
    local result = support.script("#!/usr/bin/env -S aggr run\nerror('x')")
    assert.truthy(result.err:find(".lua:2: script: x", 1, true), result.err)
  end)

  it("may begin with a byte order mark", function()
    assert.equal("1\n", support.script("\239\187\191return 1").out)
  end)

  it("gets its arguments three ways", function()
    local code = 'local a = require "aggr" return { arg[1], a.args[2], (select(3, ...)), #arg, arg[0] ~= nil }'
    assert.equal('["x","y","z",3,true]\n', support.script(code, { args = { "x", "y", "z" } }).out)
  end)

  it("draws other numbers in every run", function()
    local code = { "run", "-e", "return { math.random(2 ^ 30), math.random(2 ^ 30) }" }
    assert.not_equal(support.aggr(code).out, support.aggr(code).out)
  end)

  it("requires modules beside it first", function()
    local folder = support.folder()
    local file = assert(io.open(folder .. "/beside_it.lua", "w"))
    file:write("return { answer = 42 }")
    file:close()
    assert.equal("42\n", support.script('return require("beside_it").answer').out)
  end)

  it("finds aggr predefined under -e only", function()
    assert.equal('"table"\n', support.aggr({ "run", "-e", "return type(aggr)" }).out)
    assert.equal('"nil"\n', support.script("return type(_G.aggr)").out)
  end)

  it("prints to stderr, writes to stdout in order with what it emits", function()
    local result = support.script([[
      local aggr = require "aggr"
      print("note", 1)
      io.write("a", 1, "\n")
      aggr.emit(2)
      io.write("b\n")
      return 3]])
    assert.equal("a1\n2\nb\n3\n", result.out)
    assert.equal("note\t1\n", result.err)
  end)

  it("writes through io.stdout in the same order and to --out, other files through io as ever", function()
    local code = [[
      local aggr = require "aggr"
      io.stdout:write("a\n")
      aggr.emit(2)
      io.stdout:write("b", 1):write("\n")
      io.output(arg[1])
      io.write("kept ", 3)
      io.output():write(4)
      io.close()]]
    local path, target = support.file(""), support.file("")
    local result = support.script(code, { args = { path } })
    assert.equal("a\n2\nb1\n", result.out, result.err)
    assert.equal("kept 34", support.read(path))
    assert.equal("", support.script(code, { args = { path }, flags = { "--out", target } }).out)
    assert.equal("a\n2\nb1\n", support.read(target))
  end)

  it("ends where os.exit is called: defers run, what was emitted is printed", function()
    local result = support.script([[
      local aggr = require "aggr"
      aggr.defer(function() print("deferred") end)
      aggr.emit("kept")
      aggr.group(function(g)
        g:spawn(function()
          aggr.defer(function() aggr.sleep(0.01) print("child deferred") end)
          aggr.sleep(60)
        end)
        aggr.sleep(0)
        pcall(os.exit, 7)
        print("not reached")
      end)]])
    assert.equal(7, result.code, result.err)
    assert.equal('"kept"\n', result.out)
    assert.equal("child deferred\ndeferred\n", result.err)
  end)

  it("may give os.exit a boolean, nothing else but what a process can end with", function()
    assert.equal(0, support.script("os.exit()").code)
    assert.equal(0, support.script("os.exit(true)").code)
    assert.equal(1, support.script("os.exit(false)").code)
    assert.equal(255, support.script("os.exit(255)").code)
    for _, code in ipairs { "256", "-1", "1.5", "0/0", "'x'", "{}" } do
      local result = support.script("os.exit(" .. code .. ")")
      assert.equal(1, result.code)
      local complaint = "usage: os.exit: expected a boolean or a whole number from 0 to 255"
      assert.truthy(result.err:find(complaint, 1, true), result.err)
    end
  end)
end)

describe("a script that cannot be run", function()
  local function refused(result, code, pattern)
    assert.equal(code, result.code, result.err)
    assert.equal("", result.out)
    assert.truthy(result.err:find(pattern), result.err)
  end

  it("because it is missing", function()
    refused(support.aggr { "run", "/nowhere/x.lua" }, 2,
      "^usage: cannot run /nowhere/x.lua: No such file or directory\n$")
  end)

  it("because it is a directory", function()
    refused(support.aggr { "run", support.folder() }, 2, "^usage: cannot run .-: Is a directory\n$")
  end)

  it("because it may not be read", function()
    local path = support.file("return 1", ".lua")
    os.execute("chmod 0 " .. path)
    local result = support.aggr { "run", path }
    if result.code == 0 then return end -- root may read it all the same
    refused(result, 2, "^usage: cannot run .-: Permission denied\n$")
  end)

  it("because it is bytecode", function()
    local path = support.file(string.dump(function() return 1 end), ".luac")
    refused(support.aggr { "run", path }, 2, "^usage: cannot run .-: it is bytecode, not Lua text\n$")
  end)

  it("because its syntax is wrong: place, line and caret", function()
    local result = support.script("local x = 1\n  local y = = 2\n")
    refused(result, 1, "^[^\n]-%.lua:2: script: unexpected symbol near '='\n")
    assert.truthy(result.err:find("\n  2 |   local y = = 2\n    |           ^\n", 1, true), result.err)
  end)

  it("because stdin is closed", function()
    refused(support.aggr({ "run", "-" }, { stdin = false }), 2, "^usage: cannot run stdin: .-closed")
  end)
end)
