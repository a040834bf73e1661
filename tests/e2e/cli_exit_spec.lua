--- Exit codes, and what an uncaught error looks like.
local cjson = require "cjson"
local support = require "e2e.support"

local function script(code, ...)
  return support.script('local aggr = require "aggr"\n' .. code, { flags = { ... } })
end

--- stderr with the script's path replaced by "s".
local function shown(result)
  return (result.err:gsub("/[^\n ]-%.lua", "s"))
end

local ONE_LOST = "aggr.all { a = function() return 1 end, b = function() error 'boom' end }"

describe("the exit code is", function()
  it("0 when all is complete", function()
    assert.equal(0, script("return aggr.all { a = function() return 1 end }").code)
  end)

  it("1 for a script that is wrong", function()
    assert.equal(1, script("error 'boom'").code)
    assert.equal(1, script("aggr.sleep('soon')").code)
    assert.equal(1, script("return nil, 'no luck'").code)
  end)

  it("3 for an incomplete report that the script returned", function()
    local result = script("return " .. ONE_LOST)
    assert.equal(3, result.code)
    assert.equal('{"a":1}\n', result.out)
    assert.equal("b: s:2: script: boom\n", shown(result))
    assert.equal(3, script("local _, report = " .. ONE_LOST .. " return 'x', report").code)
  end)

  it("0 for it with --partial-ok", function()
    assert.equal(0, script("return " .. ONE_LOST, "--partial-ok").code)
  end)

  it("3 for an incomplete report of the main task that the script did not return", function()
    assert.equal(3, script("local data = " .. ONE_LOST .. " return data").code)
    assert.equal(3, script("aggr.map({ 1 }, function() error 'x' end)").code)
    assert.equal(3, script("aggr.each({ 1 }, function() error 'x' end)").code)
  end)

  it("decided by the returned report alone where there is one", function()
    assert.equal(0, script(ONE_LOST .. " return aggr.all { a = function() return 1 end }").code)
    assert.equal(0, script("aggr.group(function(g) g:spawn(function() " .. ONE_LOST .. " end) end)").code)
  end)

  it("4 for a need that was lost and for any other Error", function()
    local result = script("return aggr.all({ a = function() error 'boom' end }, { need = true })")
    assert.equal(4, result.code, result.err)
    assert.equal("", result.out)
    assert.equal(4, script("aggr.deadline(0.001, function() aggr.sleep(60) end)").code)
    assert.equal(4, script("return nil, select(2, aggr.try(aggr.deadline, 0, aggr.sleep, 1))").code)
  end)

  it("1 when every task waits for ever, at once: a run's deadline is nothing to wait for", function()
    local result = script("return aggr.channel(1):recv()", "--deadline", 5 * support.slow)
    assert.equal(1, result.code, result.err)
    assert.truthy(result.err:find("nothing is pending", 1, true), result.err)
  end)

  it("6 when the run's deadline passed, and what is finished is printed", function()
    local result = script("return aggr.all { a = function() return 1 end, b = function() aggr.sleep(60) end }",
      "--deadline", support.slow > 1 and "3s" or "100ms")
    assert.equal(6, result.code, result.err)
    assert.equal('{"a":1}\n', result.out)
    local code = "aggr.defer(function() print 'deferred' end) aggr.sleep(60)"
    result = script(code, "--deadline", support.slow > 1 and "2s" or "200ms")
    assert.equal(6, result.code)
    assert.truthy(result.err:find("^deferred\ndeadline: the run's deadline of [%d.]+ s has passed\n$"), result.err)
  end)
end)

describe("the summary on stderr", function()
  it("names 20 sources at most, then counts by kind", function()
    local result = script("local s = {} for i = 1, 30 do s[i] = function() error 'x' end end return aggr.all(s)")
    local _, lines = result.err:gsub("\n", "\n")
    assert.equal(21, lines)
    assert.truthy(result.err:find("… and 10 more; 30 of 30 failed: 30 script\n", 1, true), result.err)
  end)

  it("is left out with -q, and an error is not", function()
    assert.equal("", script("return " .. ONE_LOST, "-q").err)
    assert.truthy(script("error 'x'", "-q").err:find("script: x", 1, true))
  end)
end)

describe("an uncaught error", function()
  it("shows one standing line, the source line and a caret", function()
    local result = script("local t = {}\n\tlocal x = t.missing.field\n")
    assert.equal("s:3: script: attempt to index field 'missing' (a nil value)\n"
      .. "  3 |  local x = t.missing.field\n"
      .. "    |              ^\n", shown(result))
  end)

  it("has its caret under the function that was called", function()
    local result = script("  aggr.sleep(1); aggr.deadline('soon', print)\n")
    assert.truthy(shown(result):find("  2 |   aggr.sleep(1); aggr.deadline('soon', print)\n"
      .. "    |                       ^\n", 1, true), shown(result))
  end)

  it("of a lost need is placed where the call stands", function()
    local result = script("local t = { a = 'http://127.0.0.1:1/' }\nreturn (aggr.all(t, { need = true }))")
    assert.equal(4, result.code)
    assert.truthy(shown(result):find("s:3: connect: GET http://127.0.0.1:1/ ", 1, true), result.err)
    assert.truthy(result.err:find("    |              ^\n", 1, true), result.err)
  end)

  it("of a script that forgot to require aggr has a hint", function()
    local result = support.script("return aggr.fetch('http://127.0.0.1:1/')")
    assert.truthy(result.err:find("\n  hint: scripts begin with: local aggr = require \"aggr\"\n", 1, true))
  end)

  it("counts bytes as characters before the caret", function()
    local result = script("local _ = 'äöü', nil + 1\n")
    assert.truthy(shown(result):find("    | ^\n", 1, true), shown(result))
  end)

  it("says where its task was spawned and what else failed", function()
    local result = script([[
aggr.group(function(g)
  for i = 1, 3 do
    g:spawn(function()
      aggr.defer(function() error("late " .. i) end)
      error("boom " .. i)
    end)
  end
end)]])
    local text = shown(result)
    assert.truthy(text:find("^s:6: script: boom 1\n"), text)
    assert.truthy(text:find("\n  spawned at s:4\n", 1, true), text)
    assert.truthy(text:find("were suppressed, the first: s:5: script: late 1\n", 1, true), text)
  end)

  it("can be anything that was raised", function()
    for code, message in pairs {
      ["error({})"] = "script: error object is a table", ["error(nil)"] = "script: error object is nil",
      ["error('two\\nlines', 0)"] = "script: two lines",
      ["error(setmetatable({}, { __tostring = function() return 'named' end }))"] = "script: named",
      ["package.path = nil require 'x'"] = "script: 'package.path' must be a string",
    } do
      local result = script("\n" .. code)
      assert.equal(1, result.code)
      assert.truthy(shown(result):find("s:3: " .. message .. "\n", 1, true), result.err)
    end
    assert.matches("s:3: script: error object is a table\n",
      shown(script "\nrequire 'aggr'.work(function() error {} end)"))
  end)

  it("in code from -e and stdin has its line, too", function()
    local result = support.aggr { "run", "-e", "local a\nerror('x')" }
    assert.equal("-e:2: script: x\n  2 | error('x')\n    | ^\n", result.err)
    result = support.aggr({ "run", "-" }, { stdin = "error('x')" })
    assert.equal("stdin:1: script: x\n  1 | error('x')\n    | ^\n", result.err)
  end)

  it("is one object with --log-format json", function()
    local result = script("print('a', 1)\nerror 'boom'", "--log-format", "json")
    local lines = {}
    for line in result.err:gmatch("[^\n]+") do lines[#lines + 1] = cjson.decode(line) end
    assert.equal(2, #lines)
    assert.same({ "info", "a\t1", "print" }, { lines[1].level, lines[1].msg, lines[1].event })
    assert.same({ "error", "script", "boom" }, { lines[2].level, lines[2].error.kind, lines[2].error.message })
  end)

  it("has no control characters but those of --color always", function()
    local plain = script("error('\\27[31mred\\7')")
    assert.falsy(plain.err:find("[%z\1-\8\11-\26\28-\31]"), plain.err)
    local coloured = script("error 'x'", "--color=always")
    assert.truthy(coloured.err:find("\27[31mscript:\27[0m", 1, true), coloured.err)
    assert.falsy(script("error 'x'", "--color=never").err:find("\27", 1, true))
  end)

  it("masks what is secret", function()
    local result = support.script([[
      local aggr = require "aggr"
      local token = aggr.secret "TOKEN"
      print("it is " .. token)
      aggr.log.info("using", { token = token })
      error("bad token " .. token)]], { env = { TOKEN = "hunter2secret" } })
    assert.equal(1, result.code)
    assert.falsy(result.err:find("hunter2secret", 1, true), result.err)
    assert.truthy(result.err:find("it is ***", 1, true))
  end)

  it("masks the password in a URL that is none", function()
    for _, call in ipairs { "aggr.fetch(arg[1])", "aggr.client { base = arg[1] }", "aggr.all { arg[1] }" } do
      local result = support.script('local aggr = require "aggr"\n' .. call, { args = { "http://me:se/cret@h/" } })
      assert.equal(1, result.code)
      assert.truthy(result.err:find("http://me:***@h/", 1, true), result.err)
    end
  end)

  it("masks what is secret in JSON lines and in the envelope, escaped too", function()
    local code = [[
      local aggr = require "aggr"
      local token = aggr.secret "TOKEN"
      aggr.log.info("using", { token = token, list = { token } })
      return aggr.all { a = function() error("bad token " .. token) end, b = function() aggr.fetch(token) end }]]
    local result = support.script(code, { env = { TOKEN = 'hunter2"\\' .. ("t"):rep(50) },
      flags = { "--log-format=json", "--envelope" } })
    assert.equal(1, result.code)
    assert.truthy(result.err:find('"token":"***"', 1, true), result.err)
    for _, text in ipairs { result.out, result.err } do
      assert.falsy(text:find("hunter2", 1, true), text)
      assert.truthy(cjson.decode(text:match("[^\n]+")))
    end
  end)

  it("survives a deep recursion through callbacks", function()
    local result = script([[
      local function deep(n) return (("x"):gsub("x", function() return deep(n + 1) end)) end
      local ok, message = pcall(deep, 0)
      return { ok, tostring(message):find("overflow") ~= nil }]])
    assert.equal("[false,true]\n", result.out, result.err)
  end)
end)
