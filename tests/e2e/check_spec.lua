--- `aggr check`: the command line around it, its three formats, and what must never make it stumble.
local cjson = require "cjson"
local support = require "e2e.support"

local function check(...)
  return support.aggr { "check", ... }
end

local function check_text(text, ...)
  local path = support.file(text, ".lua")
  local result = check(path, ...)
  result.out = result.out:gsub(path:gsub("%p", "%%%0"), "x.lua")
  return result
end

local function refused(result, text)
  assert.equal(2, result.code, result.err)
  assert.equal("", result.out)
  assert.equal("aggr: " .. text .. "\n", result.err)
end

local TWO = 'local aggr = require "aggr"\n\nos.execute("ls")\nreturn aggr.emit(missing_name)\n'

describe("aggr check", function()
  it("shows each finding with its line, a caret and a way out, and counts them", function()
    local result = check_text(TWO)
    assert.equal(1, result.code)
    assert.equal("", result.err)
    assert.equal([[
x.lua:3:1: blocking-call: os.execute stops every task until it has ended
  3 | os.execute("ls")
    | ^
  hint: aggr.exec { "command", "argument" } runs a program beside the other tasks
x.lua:4:18: undefined-global: undefined global 'missing_name'
  4 | return aggr.emit(missing_name)
    |                  ^
  hint: it reads as nil; a misspelt name, or one that is not in scope here
2 findings in 1 of 1 script
]], result.out)
  end)

  it("says so when nothing is found", function()
    local result = check_text("return 1")
    assert.equal(0, result.code, result.err)
    assert.equal("1 script, nothing found\n", result.out)
  end)

  it("prints a line each for editors", function()
    local result = check_text(TWO, "--format", "short")
    assert.equal(1, result.code)
    assert.equal("x.lua:3:1: blocking-call: os.execute stops every task until it has ended\n"
      .. "x.lua:4:18: undefined-global: undefined global 'missing_name'\n", result.out)
    assert.equal("", check_text("return 1", "--format=short").out)
  end)

  it("prints a JSON list for tools", function()
    local path = support.file(TWO, ".lua")
    local result = check("--format", "json", path)
    assert.equal(1, result.code)
    local list = cjson.decode(result.out)
    assert.equal(2, #list)
    assert.same({ file = path, line = 3, column = 1, code = "blocking-call", severity = "warning",
      message = "os.execute stops every task until it has ended",
      hint = 'aggr.exec { "command", "argument" } runs a program beside the other tasks' }, list[1])
    assert.equal("error", list[2].severity)
    assert.equal("[]\n", check("--format", "json", support.file("return 1", ".lua")).out)
  end)

  it("checks several scripts and stdin", function()
    local good, bad = support.file("return 1", ".lua"), support.file("return missing_name", ".lua")
    local result = support.aggr({ "check", good, bad, "-" }, { stdin = "return 1 +" })
    assert.equal(1, result.code)
    assert.truthy(result.out:find(bad .. ":1:8: undefined-global", 1, true), result.out)
    assert.truthy(result.out:find("stdin:1:1: syntax: unexpected symbol near '<eof>'", 1, true), result.out)
    assert.truthy(result.out:find("2 findings in 2 of 3 scripts\n", 1, true), result.out)
  end)

  it("tells each kind of finding by a code that stays", function()
    local text = [[
local aggr = require "aggr"
local api = aggr.client { base = "http://h", timeout = 2, retry = 2 }
local function f() total = missing_name end
io.read()
aggr.group(function(g) for _, x in ipairs(arg) do g:spawn(f, x) end end)
api:get("/", { timout = 1 })
aggr.all({ "/a", "/b" }, { client = api, limit = 1, deadline = 5 })
]]
    local codes = {}
    local list = cjson.decode(check_text(text, "--format", "json").out)
    for i, finding in ipairs(list) do codes[i] = finding.line .. " " .. finding.code end
    assert.same({ "3 assigned-global", "3 undefined-global", "4 blocking-call", "5 unbounded-spawn", "6 no-deadline",
      "6 unknown-option", "7 over-budget" }, codes)
    local help = check("--help").out
    for _, entry in ipairs(codes) do assert.truthy(help:find("\n  " .. entry:sub(3) .. " ", 1, true), entry) end
    assert.truthy(help:find("\n  syntax ", 1, true))
  end)

  it("lets a comment allow a finding in its line", function()
    assert.equal(0, check_text('os.execute("ls") -- aggr: allow blocking-call').code)
    assert.equal(1, check_text('os.execute("ls") -- aggr: allow no-deadline').code)
  end)

  it("runs nothing and asks nobody", function()
    local fixture, mark = support.fixture(), support.folder() .. "/it_ran"
    fixture:reset()
    local result = check_text(([[
      local aggr = require "aggr"
      io.open(%q, "w"):close()
      os.exit(42)
      return aggr.fetch(%q, { deadline = 5 })
    ]]):format(mark, fixture:url("/json")))
    assert.equal(0, result.code, result.out)
    assert.is_nil(support.read(mark))
    assert.equal(0, fixture:stats().accepted)
  end)

  it("finds nothing in scripts/", function()
    local names = {}
    for name in support.command({ "ls", "scripts" }).out:gmatch("(%S+%.lua)\n") do
      names[#names + 1] = "scripts/" .. name
    end
    local result = check(unpack(names))
    assert.equal(#names .. " scripts, nothing found\n", result.out)
    assert.equal(0, result.code)
    assert.is_true(#names > 8)
  end)

  it("finds nothing in the README's scripts", function()
    local count = 0
    for text in support.read("README.md"):gmatch("\n```lua\n(.-)\n```") do
      count = count + 1
      assert.equal("1 script, nothing found\n", check_text(text).out)
    end
    assert.is_true(count > 0)
  end)

  it("leaves its modules out of scripts' reach", function()
    for _, name in ipairs { "check.main", "check.tree", "luacheck.parser", "luacheck.lexer" } do
      local code = ("package.path = '' return pcall(require, %q) == false"):format(name)
      assert.equal("true\n", support.aggr({ "run", "-e", code }).out, name)
    end
  end)
end)

describe("the command line of aggr check", function()
  it("explains itself", function()
    local help = check("--help")
    assert.equal(0, help.code, help.err)
    assert.equal(help.out, check("-h").out)
    assert.equal(help.out, support.aggr({ "help", "check" }).out)
    assert.truthy(help.out:find("--format text|json|short", 1, true))
    assert.truthy(help.out:find("-- aggr: allow CODE", 1, true))
    assert.truthy(support.aggr({ "help" }).out:find("aggr check [options] SCRIPT...", 1, true))
    refused(support.aggr { "chekc", "x.lua" }, "unknown command 'chekc', did you mean 'check'?")
  end)

  it("refuses what it does not know", function()
    refused(check(), "check needs a script: aggr check SCRIPT..., or aggr check - for stdin")
    refused(check("--formt", "json", "x.lua"), "unknown option '--formt', did you mean '--format'?")
    refused(check("--timeout", "2", "x.lua"),
      "unknown option '--timeout' ('aggr help check' lists them; what follows '--' are scripts)")
    refused(check("--format", "raw", "x.lua"), "--format must be one of text|json|short, got 'raw'")
    refused(check("-e", "return 1"),
      "unknown option '-e' ('aggr help check' lists them; what follows '--' are scripts)")
  end)

  it("takes options anywhere, and scripts behind --", function()
    local path = support.file("return missing_name", ".lua")
    local out = check("--format", "short", path).out
    assert.equal(out, check(path, "--format=short").out)
    assert.equal(out, check("--format=short", "--", path).out)
  end)

  it("does not take the format of run from the environment", function()
    local path = support.file("return 1", ".lua")
    local result = support.aggr({ "check", path }, { env = { AGGR_FORMAT = "ndjson" } })
    assert.equal("1 script, nothing found\n", result.out, result.err)
  end)

  it("ends with 2 when a script cannot be read, after the others", function()
    local bad = support.file("return missing_name", ".lua")
    local result = check("--format", "short", support.folder() .. "/none.lua", bad)
    assert.equal(2, result.code)
    assert.truthy(result.err:find("^aggr: cannot check .*/none%.lua: no such file or directory\n$")
      or result.err:find("^aggr: cannot check .*/none%.lua: No such file or directory\n$"), result.err)
    assert.truthy(result.out:find("undefined global 'missing_name'", 1, true))
    assert.equal(2, check(support.folder()).code)
  end)

  it("colours for people who ask for it", function()
    local path = support.file("return missing_name", ".lua")
    assert.truthy(check("--color", "always", path).out:find("\27[31mundefined-global:\27[0m", 1, true))
    assert.falsy(check(path).out:find("\27", 1, true))
  end)

  it("says when stdout can't be written, and ends quietly when it is closed early", function()
    local path = support.file("return missing_name", ".lua")
    local full = support.aggr({ "check", path }, { stdout = "/dev/full" })
    assert.equal(8, full.code)
    assert.truthy(full.err:find("^aggr: cannot write to stdout: "), full.err)
    local closed = support.aggr({ "check", path }, { stdout = support.BROKEN })
    assert.equal(1, closed.code)
    assert.equal("", closed.err)
  end)
end)

describe("aggr check, given what no person writes,", function()
  local function codes(text)
    local result = check_text(text, "--format", "json")
    assert.equal("", result.err)
    local list = {}
    for i, finding in ipairs(cjson.decode(result.out)) do
      list[i] = ("%s %d:%d"):format(finding.code, finding.line, finding.column)
    end
    return list, result.code
  end

  it("reads shebang, byte order mark and CR LF", function()
    assert.same({ "undefined-global 2:8" }, (codes("#!/usr/bin/env -S aggr run\nreturn missing_name")))
    assert.same({ "undefined-global 1:8" }, (codes("\239\187\191return missing_name")))
    assert.same({ "undefined-global 3:12" }, (codes("\239\187\191#!x\r\n\r\nreturn 1 + missing_name\r\n")))
  end)

  it("finds nothing in an empty file", function()
    assert.same({}, (codes("")))
    assert.same({}, (codes("\n\n")))
    assert.same({}, (codes("#!shebang only")))
  end)

  it("calls nesting without end a syntax error, or looks at globals only #release", function()
    local many = 100000
    assert.same({ "syntax 1:1" }, (codes("return " .. ("("):rep(many) .. "1" .. (")"):rep(many))))
    assert.same({ "syntax 1:1" }, (codes(("do "):rep(many) .. ("end "):rep(many))))
    for _, text in ipairs { "return 1" .. (" + 1"):rep(many), "print" .. ("()"):rep(many / 2),
      "return arg" .. (".b"):rep(many) } do
      local list, code = codes(text)
      assert.same({ "unchecked 1:1" }, list)
      assert.equal(0, code)
    end
  end)

  it("calls binary text a syntax error and refuses bytecode", function()
    local bytes = {}
    for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
    assert.same({ "syntax 1:1" }, (codes(table.concat(bytes))))
    assert.same({ "syntax 1:1" }, (codes(("\0"):rep(1000))))
    local result = check_text(string.dump(function() end))
    assert.equal(2, result.code)
    assert.truthy(result.err:find("it is bytecode, not Lua text", 1, true), result.err)
  end)

  it("refuses files over 1 MiB, and takes the largest below in time #release", function()
    local result = check_text(("x = 1\n"):rep(9000000))
    assert.equal(2, result.code)
    assert.truthy(result.err:find("it is over 1048576 bytes", 1, true), result.err)
    result = check_text(("x = 1\n"):rep(174000))
    assert.equal(0, result.code, result.err)
  end)

  it("keeps control characters and endless lines off the terminal", function()
    local out = check_text("return '\27[31m" .. ("x"):rep(100000) .. "', missing_name").out
    assert.falsy(out:find("\27", 1, true))
    assert.is_true(#out < 1000)
    assert.is_true(#check_text("return 1 '" .. ("x"):rep(100000) .. "'").out < 1000)
  end)

  it("does not follow names and modules in circles", function()
    assert.same({ "undefined-global 1:5" }, (codes("t = t_.x\nt = t.x\nn = n + n f = f 'aggr' f.fetch() t.fetch(n)")))
    local path = support.folder() .. "/circle.lua"
    local file = assert(io.open(path, "w"))
    file:write("require 'circle'\nreturn missing_name")
    file:close()
    assert.equal(path .. ":2:8: undefined-global: undefined global 'missing_name'\n", check("--format=short", path).out)
  end)
end)
