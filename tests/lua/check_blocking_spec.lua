--- Calls that stop every task, and loops that start any number of them.
local check = require "lua.support.check"

--- Places of one kind of finding in code behind `aggr` and `api`.
local function places(code, text)
  local list = {}
  for _, finding in ipairs(check.findings(check.script(text))) do
    if finding.code == code then list[#list + 1] = ("%d:%d"):format(finding.line, finding.column) end
  end
  return list
end

local function hint_of(text)
  return check.findings(check.script(text))[1].hint
end

describe("a blocking call", function()
  local function blocks(text) return places("blocking-call", text) end

  it("is found, with what to use instead", function()
    assert.same({ "3:1" }, blocks 'os.execute("ls")')
    assert.truthy(hint_of('os.execute("ls")'):find("aggr.exec", 1, true))
    assert.truthy(hint_of('io.popen("ls")'):find("aggr.exec", 1, true))
    assert.truthy(hint_of("print(io.read())"):find("aggr.read", 1, true))
    assert.truthy(hint_of("for l in io.lines('x') do print(l) end"):find("aggr.lines", 1, true))
    assert.truthy(hint_of("print(io.stdin:read('*a'))"):find("aggr.lines", 1, true))
    assert.truthy(hint_of("local http = require 'socket.http' print(http)"):find("aggr.fetch", 1, true))
    assert.truthy(hint_of("local driver = require('luasql.postgres') print(driver)"):find("aggr.work", 1, true))
  end)

  it("is found behind a name and in pcall", function()
    assert.same({ "4:1" }, blocks 'local execute = os.execute\nexecute("ls")')
    assert.same({ "3:1" }, blocks 'pcall(os.execute, "ls")')
    assert.same({ "3:1" }, blocks "aggr.try(io.popen, 'ls')")
  end)

  it("is none when it is something else of that name, or is not called", function()
    assert.same({}, blocks 'local os = { execute = print }\nos.execute("ls")')
    assert.same({}, blocks 'local io = require "my.io"\nio.read()\nio.stdin:read()')
    assert.same({}, blocks 'os = { execute = print }\nos.execute("ls")')
    assert.same({}, blocks "print(os.execute)\nio.open('x'):read('*a')\nfile:lines()\nos.time()")
    assert.same({}, blocks "require 'sockets'\nrequire 'my.socket'")
  end)

  it("is none when the library is a module beside the script", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    assert(io.open(folder .. "/socket.lua", "w")):close()
    local found = check.codes { [folder .. "/main.lua"] = "return { require 'socket', require 'ssl' }" }
    os.execute("rm -r " .. folder)
    assert.same({ "blocking-call 1:28" }, found)
  end)

  it("is none on a thread of its own", function()
    assert.same({}, blocks "aggr.work(function() return os.execute('ls') end)")
    assert.same({}, blocks "local function list() return io.popen('ls'):read('*a') end\naggr.work(list)")
    assert.same({ "3:30" }, blocks "local function list() return io.popen('ls') end\naggr.map({}, list)")
  end)
end)

describe("an unbounded spawn", function()
  local function unbounded(text)
    return places("unbounded-spawn", "aggr.group(function(g)\n" .. text .. "\nend)")
  end

  it("is found in loops that go on for as long as the input does", function()
    assert.same({ "4:29" }, unbounded "for _, u in ipairs(arg) do  g:spawn(print, u) end")
    assert.same({ "4:36" }, unbounded "for line in aggr.lines('-') do     g:spawn(print, line) end")
    assert.same({ "4:16" }, unbounded "while true do  g:spawn(print) end")
    assert.same({ "4:16" }, unbounded "repeat         g:spawn(print) until false")
    assert.same({ "4:26" }, unbounded "for i = 1, #arg do       g:spawn(print, i) end")
    assert.same({ "4:26" }, unbounded "for i = 1, 65 do         g:spawn(print, i) end")
    assert.same({ "4:26" }, unbounded "for i = 1, math.huge do  g:spawn(print, i) end")
    assert.same({ "4:46" }, unbounded "for _ = 1, 10 do for _ = 1, 10 do            g:spawn(print) end end")
    assert.same({ "4:37" }, unbounded "if arg then for _ in pairs(arg) do  g:spawn(print) end end")
  end)

  it("is found in a named function and in its tasks", function()
    assert.same({ "4:30" }, places("unbounded-spawn",
      "local function body(g)\n  for _, u in ipairs(arg) do g:spawn(print, u) end\nend\naggr.group(body)"))
    assert.same({ "4:51" }, unbounded "g:spawn(function() for _, u in ipairs(arg) do     g:spawn(print, u) end end)")
  end)

  it("is none when the rounds are few, or somebody chose how many", function()
    for _, text in ipairs {
      "for i = 1, 64 do g:spawn(print, i) end",
      "for i = 10, 1, -1 do g:spawn(print, i) end",
      "local n = 8 for i = 1, n * 2 do g:spawn(print, i) end",
      "for i = 1, cfg.workers do g:spawn(print, i) end",
      "for _, u in ipairs { 'a', 'b' } do g:spawn(print, u) end",
      "local urls = { 'a', 'b' } for i, u in pairs(urls) do g:spawn(print, u, urls[i]) end",
      "local urls = { 'a', 'b' } for i = 1, #urls do g:spawn(i) end",
      "for i = 1, 1000, step do g:spawn(print, i) end",
      "repeat g:spawn(print) until true",
      "local urls = { 'a', 'b' } urls[3] = 'c' for _, u in ipairs(urls) do g:spawn(print, u) end",
      "for _ = 1, 8 do for _ = 1, 8 do g:spawn(print) end end",
      "local n = 0 while n < 10 do n = n + 1 g:spawn(print) end",
      "g:spawn(print)",
    } do assert.same({}, unbounded(text), text) end
  end)

  it("is none when the loop waits or leaves by itself", function()
    for _, text in ipairs {
      "for _, u in ipairs(arg) do local t = g:spawn(print, u) t:wait() end",
      "local slots = aggr.channel(8) for _, u in ipairs(arg) do slots:send(1) g:spawn(print, u) end",
      "for i, u in ipairs(arg) do if i > 10 then break end g:spawn(print, u) end",
      "while true do g:spawn(print, jobs:recv()) end",
    } do assert.same({}, unbounded(text), text) end
  end)

  it("is none when the loop only makes functions", function()
    assert.same({}, unbounded "for i in ipairs(arg) do later[i] = function() g:spawn(print, i) end end")
  end)

  it("is none when g is no group", function()
    assert.same({}, places("unbounded-spawn", "local function f(g) for _ in pairs(arg) do g:spawn(print) end end f()"))
    assert.same({}, unbounded "g = {} for _ in pairs(arg) do g:spawn(print) end")
    assert.same({}, unbounded "local g = {} for _ in pairs(arg) do g:spawn(print) end")
  end)
end)
