--- aggr.read, aggr.write, aggr.lines; stdin; few descriptors.
local support = require "e2e.support"

local function script(code, options)
  return support.script('local aggr = require "aggr"\n' .. code, options)
end

describe("aggr.lines", function()
  it("gives lines without LF or CR LF, the last one also without an end", function()
    local result = script('local t = {} for l in aggr.lines("-") do t[#t + 1] = l end return t',
      { stdin = "a\nb\r\n\nlast" })
    assert.equal('["a","b","","last"]\n', result.out)
  end)

  it("gives nothing for an empty stdin", function()
    assert.equal("0\n", script('local n = 0 for _ in aggr.lines "-" do n = n + 1 end return n', { stdin = "" }).out)
  end)

  it("gives a line when it is there, not when a block is full", function()
    local path = support.file('local aggr = require "aggr" for l in aggr.lines "-" do aggr.emit(l) end', ".lua")
    local running = support.start({ "run", path }, { stdin = support.PIPE, stdout = support.PIPE })
    running:write("one\n")
    assert.equal('"one"\n', running:read(100))
    running:write("two\n")
    assert.equal('"two"\n', running:read(100))
    running:close_stdin()
    assert.equal(0, running:finish().code)
  end)

  it("joins a line that comes in many pieces, up to max_line", function()
    local path = support.file(("x"):rep(600000) .. "\nshort\n" .. ("y"):rep(600000))
    local code = ('local t = {} for l in aggr.lines(%q%s) do t[#t + 1] = #l end return t')
    assert.equal("[600000,5,600000]\n", script(code:format(path, "")).out)
    local result = script(code:format(path, ", { max_line = '100KiB' }"))
    assert.equal(1, result.code)
    assert.truthy(result.err:find(path .. ":1: the line is over 102400 bytes", 1, true), result.err)
  end)

  it("feeds a million lines to each", function()
    local lines = {}
    for i = 1, 1000000 do lines[i] = i end
    local path = support.file(table.concat(lines, "\n"))
    local result = script(([[
      local sum = 0
      for line in aggr.lines %q do sum = sum + line end
      return sum]]):format(path))
    assert.equal("500000500000\n", result.out, result.err)
  end)

  it("says so when stdin is closed", function()
    local result = script('for _ in aggr.lines "-" do end', { stdin = false })
    assert.equal(1, result.code)
    assert.truthy(result.err:find("script: cannot read stdin: it is closed", 1, true), result.err)
  end)

  it("says what is wrong with a file, at the caller's line", function()
    for path, why in pairs { ["/nowhere"] = "No such file or directory", ["/"] = "Is a directory" } do
      local result = script(('local f = aggr.lines %q f()'):format(path))
      assert.truthy(result.err:find(("lua:2: script: cannot read %s: %s\n"):format(path, why), 1, true), result.err)
    end
  end)

  it("refuses two tasks that read from one iterator at once", function()
    local result = script([[
      local next_line = aggr.lines "-"
      aggr.group(function(g) g:spawn(next_line) g:spawn(next_line) end)]], { stdin = support.PIPE })
    assert.equal(1, result.code)
    assert.truthy(result.err:find("two tasks read from one iterator", 1, true), result.err)
  end)
end)

describe("aggr.read and aggr.write", function()
  it("read and write whole files, bytes as they are", function()
    local path = support.file("")
    local result = script(([[aggr.write(%q, "a\0b\r\n") return aggr.read(%q) == "a\0b\r\n"]]):format(path, path))
    assert.equal("true\n", result.out, result.err)
    assert.equal("a\0b\r\n", support.read(path))
  end)

  it("read stdin to its end", function()
    assert.equal('"all of it"\n', script('return aggr.read "-"', { stdin = "all of it" }).out)
  end)

  it("fail with kind script, which all settles", function()
    local result = script('return aggr.all { a = function() return aggr.read "/nowhere" end }')
    assert.equal(3, result.code)
    assert.truthy(result.err:find("a: .-: script: cannot read /nowhere: No such file or directory\n"), result.err)
    result = script('aggr.write("/dev/full", "x")')
    assert.truthy(result.err:find("cannot write /dev/full: No space left on device", 1, true), result.err)
  end)

  it("leave the old file when the new one cannot be written", function()
    local path = support.file("old")
    local code = support.file(('require("aggr").write(%q, ("x"):rep(100000))'):format(path), ".lua")
    local result = support.command { "sh", "-c", ("ulimit -f 8; exec %s run %s"):format(support.bin, code) }
    assert.equal(1, result.code)
    assert.equal("old", support.read(path))
  end)

  it("refuse what is no path and no string", function()
    assert.truthy(script("aggr.read(nil)").err:find("usage: aggr.read: the path must be a string, got nil", 1, true))
    assert.truthy(script("aggr.write('x', {})").err:find("aggr.write: the data must be a string, got a table", 1, true))
  end)

  it("do not hold up other tasks", function()
    local result = script([[
      local _, report = aggr.all {
        blocked = function() return aggr.read "-" end,
        quick = function() aggr.sleep(0.01) aggr.emit "quick" return 1 end,
      }
      return report.order]], { stdin = support.PIPE, flags = { "--deadline", support.slow > 1 and "3s" or "200ms" } })
    assert.equal('"quick"\n["quick","blocked"]\n', result.out, result.err)
  end)
end)

describe("with 64 open files allowed", function()
  it("a run clamps its permits and says so once", function()
    local path = support.file("return 1", ".lua")
    local result = support.command { "sh", "-c", ("ulimit -n 64; exec %s run %s"):format(support.bin, path) }
    assert.same({ 0, "1\n" }, { result.code, result.out })
    assert.equal("warn: 64 open files are allowed: at most 30 requests are in flight, not 128 (ulimit -n)\n",
      result.err)
  end)

  it("a run that asks for few permits says nothing", function()
    local path = support.file("return 1", ".lua")
    local result = support.command { "sh", "-c",
      ("ulimit -n 64; exec %s run --concurrency 10 %s"):format(support.bin, path) }
    assert.same({ 0, "" }, { result.code, result.err })
  end)
end)
