--- What goes to stdout or --out, in which form, and what becomes of it when it cannot be written.
local posix = require "e2e.posix"
local support = require "e2e.support"

local PARTIAL = [[
  local aggr = require "aggr"
  return aggr.all { good = function() return 1 end, bad = function() error "boom" end }
]]

local function eval(code, ...)
  return support.aggr { "run", "-e", code, ... }
end

--- Until the process has said `text` on stderr.
local function await_stderr(running, text)
  local limit = posix.now() + 10 * support.slow
  repeat
    if running:stderr_so_far():find(text, 1, true) then return end
  until posix.now() > limit
  error("it never said " .. text)
end

describe("the result", function()
  it("is JSON with sorted keys; nil and nothing print nothing", function()
    assert.equal('{"a":[1,2.5,"x"],"b":true}\n', eval("return { b = true, a = { 1, 2.5, 'x' } }").out)
    assert.equal("false\n", eval("return false").out)
    for _, code in ipairs { "return nil", "return", "local x = 1" } do
      local result = eval(code)
      assert.same({ 0, "", "" }, { result.code, result.out, result.err })
    end
  end)

  it("is refused when it is not data, with the path and the remedy", function()
    local result = eval("return { a = { print } }")
    assert.equal(1, result.code)
    assert.equal("", result.out)
    assert.equal("-e: usage: cannot encode the returned value: a[1]: a function is not data\n", result.err)
  end)

  it("shows a failed source of a list as null", function()
    local result = eval("return aggr.all { function() return 1 end, function() error 'x' end }")
    assert.equal(3, result.code)
    assert.equal("[1,null]\n", result.out)
  end)

  it("can be a line per element", function()
    assert.equal('{"a":1}\n2\n', eval("return { { a = 1 }, 2 }", "--format=ndjson").out)
    assert.equal('{"a":1}\n', eval("return { a = 1 }", "--format=ndjson").out)
    local filled = "local list = aggr.json.decode '[]' list[1], list[2] = 1, 2 return list"
    assert.equal("1\n2\n", eval(filled, "--format=ndjson").out)
  end)

  it("has empty arrays where they were decoded", function()
    assert.equal('{"a":[],"b":{}}\n', eval [[return aggr.json.decode '{"a":[],"b":{}}']].out)
  end)

  it("can be a string as it is", function()
    assert.equal("a\0b", eval("return 'a\\0b'", "--format=raw").out)
    assert.equal("12\n", eval("return 12", "--format=raw").out)
    local result = eval("return {}", "--format=raw")
    assert.equal(1, result.code)
    assert.truthy(result.err:find("--format raw prints a string, the script returned a table", 1, true))
  end)

  it("can be indented", function()
    assert.equal('{\n  "a": 1\n}\n', eval("return { a = 1 }", "--pretty").out)
  end)
end)

describe("aggr.emit", function()
  it("prints a line at once, before the result", function()
    local running = support.start({ "run", "-e", "aggr.emit { a = 1 } aggr.read('-') return 2" },
      { stdin = support.PIPE, stdout = support.PIPE })
    assert.equal('{"a":1}\n', running:read(100))
    running:close_stdin()
    assert.equal("2\n", running:read(100))
    assert.equal(0, running:finish().code)
  end)

  it("waits for a slow reader in place of filling the memory", function()
    local running = support.start({ "run", "-e", [[
      local text, n = ("x"):rep(1000), 0
      aggr.group(function(g)
        g:spawn(function() for _ = 1, 10000 do aggr.emit(text) n = n + 1 end end)
        aggr.sleep(0.2)
        print(n < 1000 and "held back" or n)
      end)]] }, { stdout = support.PIPE })
    await_stderr(running, "\n")
    local bytes = 0
    repeat
      local chunk = running:read(65536)
      bytes = bytes + #chunk
    until chunk == ""
    assert.equal(10000 * 1003, bytes)
    local result = running:finish()
    assert.same({ 0, "held back\n" }, { result.code, result.err })
  end)
end)

describe("--envelope", function()
  it("holds data, report, errors, exit and elapsed", function()
    local cjson = require "cjson"
    local result = support.script(PARTIAL, { flags = { "--envelope" } })
    local envelope = cjson.decode(result.out)
    assert.equal(3, result.code)
    assert.equal(3, envelope.exit)
    assert.same({ good = 1 }, envelope.data)
    assert.equal(1, envelope.report.failed)
    assert.equal("error", envelope.report.sources.bad.state)
    assert.equal("script", envelope.errors[1].kind)
    assert.equal("bad", envelope.errors[1].source)
    assert.equal("number", type(envelope.elapsed))
  end)

  it("is printed for a run that failed, too", function()
    local cjson = require "cjson"
    for code, exit in pairs { ["error 'x'"] = 1, ["syntax ="] = 1, ["return print"] = 1 } do
      local result = eval(code, "--envelope")
      local envelope = cjson.decode(result.out)
      assert.same({ exit, exit, cjson.null }, { result.code, envelope.exit, envelope.data })
      assert.equal(1, #envelope.errors)
    end
  end)
end)

describe("stdout", function()
  it("closed early ends the run quietly with 0", function()
    local result = support.aggr({ "run", "-e", "for i = 1, 1e9 do aggr.emit(i) end" },
      { stdout = support.BROKEN })
    assert.same({ 0, "" }, { result.code, result.err })
    result = support.aggr({ "run", "-e", "return 1" }, { stdout = support.BROKEN })
    assert.same({ 0, "" }, { result.code, result.err })
  end)

  it("closed early still runs what was deferred", function()
    local result = support.aggr({ "run", "-e", [[
      aggr.defer(function() print "deferred" end)
      for i = 1, 1e9 do aggr.emit(i) end]] }, { stdout = support.BROKEN })
    assert.same({ 0, "deferred\n" }, { result.code, result.err })
  end)

  it("on a full disk is exit 8, from the result as from emit", function()
    for _, code in ipairs { "return 1", "for i = 1, 1e9 do aggr.emit(i) end" } do
      local result = support.aggr({ "run", "-e", code }, { stdout = "/dev/full" })
      assert.same({ 8, "aggr: cannot write to stdout: No space left on device\n" }, { result.code, result.err })
    end
  end)

  it("closed from the start matters only to those who print", function()
    local result = support.aggr({ "run", "-e", "return 1" }, { stdout = false })
    assert.same({ 8, "aggr: cannot write to stdout: Bad file descriptor\n" }, { result.code, result.err })
    assert.equal(0, support.aggr({ "run", "-e", "print 'x'" }, { stdout = false }).code)
  end)
end)

describe("--out", function()
  local function partial_of(path)
    return support.read(path .. ".partial")
  end

  local function leftovers(path)
    local pipe = io.popen("ls -A " .. path .. "* 2>/dev/null | wc -l")
    local count = tonumber(pipe:read("*a"))
    pipe:close()
    return count
  end

  it("replaces the file on exit 0 and 3", function()
    local path = support.file("old")
    assert.equal(0, eval("aggr.emit(1) return 2", "--out", path).code)
    assert.equal("1\n2\n", support.read(path))
    assert.equal(3, support.script(PARTIAL, { flags = { "--out=" .. path } }).code)
    assert.equal('{"good":1}\n', support.read(path))
    assert.equal(1, leftovers(path))
  end)

  it("keeps the mode of the file it replaces", function()
    local path = support.file("old")
    os.execute("chmod 640 " .. path)
    eval("return 1", "--out", path)
    local pipe = io.popen("stat -c %a " .. path)
    assert.equal("640\n", pipe:read("*a"))
    pipe:close()
  end)

  it("writes through a symbolic link", function()
    local path = support.file("old")
    os.execute(("ln -s %s %s.link"):format(path, path))
    assert.equal(0, eval("return 1", "--out", path .. ".link").code)
    assert.equal("1\n", support.read(path))
  end)

  it("leaves the file alone on failure, and names the part", function()
    local path = support.file("old")
    local result = eval("aggr.emit(1) error 'x'", "--out", path)
    assert.equal(1, result.code)
    assert.equal("old", support.read(path))
    assert.equal("1\n", partial_of(path))
    assert.truthy(result.err:find(path .. ".partial", 1, true), result.err)
    assert.equal(2, leftovers(path))
  end)

  it("is in one piece or not there when the process is killed", function()
    local path = support.file("old")
    local running = support.start({ "run", "--out", path, "-e",
      "for i = 1, 50 do aggr.emit(i) end print 'ready' aggr.read('-') return 1" }, { stdin = support.PIPE })
    await_stderr(running, "ready")
    running:signal("KILL")
    assert.equal(9, running:finish().signal)
    assert.equal("old", support.read(path))
  end)

  it("writes straight to what is not a regular file", function()
    local result = eval("return 1", "--out", "/dev/stderr")
    assert.same({ 0, "", "1\n" }, { result.code, result.out, result.err })
  end)

  it("on a full disk is exit 8", function()
    local result = eval("return 1", "--out", "/dev/full")
    assert.equal(8, result.code)
    assert.equal("aggr: cannot write to /dev/full: No space left on device\n", result.err)
  end)

  it("over the limit of a file's size leaves the old file and is exit 8", function()
    local path = support.file("old")
    local script = support.file("return ('x'):rep(100000)")
    local result = support.command { "sh", "-c",
      ("ulimit -f 8; exec %s run --out %s %s"):format(support.bin, path, script) }
    assert.equal(8, result.code, result.err)
    assert.equal("old", support.read(path))
    assert.truthy(result.err:find("File too large", 1, true), result.err)
  end)

  it("that cannot be opened stops the run before it has begun", function()
    local result = eval("print 'ran'", "--out", "/nowhere/x.json")
    assert.equal(8, result.code)
    assert.equal("script: cannot write /nowhere/x.json: No such file or directory\n", result.err)
    assert.equal(8, eval("return 1", "--out", support.folder()).code)
  end)
end)
