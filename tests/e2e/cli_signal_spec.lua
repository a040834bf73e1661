--- SIGINT, SIGTERM and SIGHUP (R28): the first ends the run in good order, the second at once.
local posix = require "e2e.posix"
local support = require "e2e.support"

--- A run that has printed a line, so that it is under way.
local function started(code, ...)
  local path = support.file('local aggr = require "aggr"\n' .. code, ".lua")
  local running = support.start({ "run", path, ... }, { stdout = support.PIPE })
  assert.equal('"ready"\n', running:read(8))
  return running
end

local function rest(running)
  local text = ""
  repeat
    local chunk = running:read(65536)
    text = text .. chunk
  until chunk == ""
  return text
end

describe("R28: the first signal", function()
  for name, code in pairs { HUP = 129, INT = 130, TERM = 143 } do
    it("ends a run of SIG" .. name .. " with " .. code .. "; defers run", function()
      local running = started([[
        aggr.defer(function() aggr.sleep(0.01) print "deferred" end)
        aggr.emit "ready"
        aggr.sleep(60)]])
      running:signal(name)
      local result = running:finish()
      assert.same({ code, "deferred\naggr: interrupted\n" }, { result.code, result.err })
    end)
  end

  it("lets the main task's all return what is finished, and it is printed", function()
    local running = started([[
      local data, report = aggr.all {
        a = function() return 1 end,
        b = function() aggr.emit "ready" aggr.sleep(60) end,
      }
      return data, report]])
    running:signal("INT")
    assert.equal('{"a":1}\n', rest(running))
    assert.equal(130, running:finish().code)
  end)

  it("leaves the file of --out alone and keeps the part", function()
    local path = support.file("old")
    local script = support.file('local aggr = require "aggr" aggr.emit(1) print "ready" aggr.sleep(60)', ".lua")
    local running = support.start({ "run", "--out", path, script }, { stdout = support.PIPE })
    local limit = posix.now() + 10 * support.slow
    repeat until running:stderr_so_far():find("ready") or posix.now() > limit
    running:signal("TERM")
    assert.equal(143, running:finish().code)
    assert.equal("old", support.read(path))
    assert.equal("1\n", support.read(path .. ".partial"))
  end)

  it("leaves no temporary file when the terminal goes", function()
    local folder = support.folder() .. "/hangup"
    assert.equal(0, support.command({ "mkdir", folder }).code)
    local running = support.start({ "run", "--out", folder .. "/out", "-e",
      'aggr.emit(1) io.stderr:write "ready" aggr.sleep(60)' })
    local limit = posix.now() + 10 * support.slow
    repeat until running:stderr_so_far():find("ready") or posix.now() > limit
    running:signal("HUP")
    assert.equal(129, running:finish().code)
    assert.equal("out.partial\n", support.command({ "ls", "-A", folder }).out)
  end)

  it("is not heard when it is SIGHUP under nohup", function()
    local result = support.command({ "sh", "-c", [[trap '' HUP; exec "$0" run -e "$1"]], support.bin,
      'os.execute "kill -HUP $PPID" aggr.sleep(0) return 1' })
    assert.same({ 0, "1\n" }, { result.code, result.out }, result.err)
  end)

  it("ends a run that waits for stdin", function()
    local script = support.file('local aggr = require "aggr" aggr.emit "ready" aggr.read "-"', ".lua")
    local running = support.start({ "run", script }, { stdin = support.PIPE, stdout = support.PIPE })
    assert.equal('"ready"\n', running:read(8))
    running:signal("INT")
    assert.equal(130, running:finish().code)
  end)

  it("ends a run whose reader does not read", function()
    local running = started('aggr.emit "ready" local text = ("x"):rep(1e6) while true do aggr.emit(text) end')
    running:signal("INT")
    assert.equal(130, running:finish().code)
  end)
end)

describe("R28: the second signal", function()
  it("ends the process at once, over shields and defers", function()
    local running = started([[
      aggr.defer(function() aggr.emit "deferring" aggr.sleep(60) end)
      aggr.emit "ready"
      aggr.sleep(60)]])
    running:signal("INT")
    assert.equal('"deferring"\n', running:read(100))
    running:signal("TERM")
    assert.equal(143, running:finish().code)
  end)

  it("ends a script that loops", function()
    local running = started('aggr.emit "ready" aggr.sleep(0) local n = 0 while true do n = n + 1 end')
    running:signal("INT")
    running:signal("TERM")
    local code = running:finish().code -- two that arrive together may be handled in either order
    assert.truthy(code == 130 or code == 143, code)
  end)
end)
