--- Tasks that keep the loop: reports, kills, the end of the process, the gate.
local cjson = require "cjson"
local support = require "e2e.support"

local SLOW = support.slow -- a slow build's own pauses are no stalls
local LIMIT = ("%dms"):format(60 * SLOW)
local PAUSE = 'os.execute("sleep ' .. 0.2 * SLOW .. '")'

--- Runs code with stalls reported above LIMIT.
local function run(code, ...)
  return support.script('local aggr = require "aggr"\n' .. code, { flags = { "--stall", LIMIT, ... } })
end

local function envelope(code, ...)
  local result = run(code, "--envelope", ...)
  local ok, decoded = pcall(cjson.decode, result.out)
  assert.is_true(ok, result.out .. result.err)
  return decoded, result
end

local function count(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

describe("a task that keeps the loop", function()
  support.guard(before_each, after_each)

  it("is reported unasked", function()
    local result = support.script("os.execute 'sleep " .. 0.3 * SLOW .. "'", { env = { AGGR_STALL = false } })
    assert.matches("blocked the loop for %d+ ms in os%.execute", result.err)
  end)

  it("is reported once, with line, time, function and a way out", function()
    local result = run(PAUSE .. " return 1")
    assert.equal(0, result.code)
    assert.matches("%.lua:2: blocked the loop for %d+ ms in os%.execute\n  hint: aggr%.exec", result.err)
    assert.equal(1, count(result.err, "the loop"))
  end)

  it("is reported with what to use instead", function()
    local slow = 'io.popen("sleep ' .. 0.2 * SLOW .. '; echo x")'
    local fifo = support.folder() .. "/slow-to-open"
    assert.equal(0, os.execute("mkfifo " .. fifo))
    for code, hint in pairs {
      [PAUSE] = "os%.execute[^\n]*\n  hint: aggr%.exec",
      [slow .. ':close()'] = "file:close[^\n]*\n  hint: aggr%.write doesn't block, nor does aggr%.exec",
      ['local p = ' .. slow .. ' local x = p:read() p:close()'] =
        "file:read[^\n]*\n  hint: aggr%.read and .- aggr%.exec",
      ['io.input(' .. slow .. ') local x = io.read() io.input():close()'] =
        'io%.read[^\n]*\n  hint: aggr%.lines%("%-"%)',
      ['local p = ' .. slow .. ' for _ in p:lines() do break end p:close()'] =
        "an iterator\n  hint: aggr%.lines doesn't block",
      [('local p = io.popen("sleep %g; echo > %s") local f = io.open(%q) f:close() p:close()'):format(
        0.2 * SLOW, fifo, fifo)] = "io%.open[^\n]*\n  hint: aggr%.read and aggr%.write",
      ['local x repeat x = ("a"):rep(400):find(".-.-b") until os.clock() > ' .. 0.3 * SLOW] =
        "string%.find[^\n]*\n  hint: a pattern",
    } do
      local result = run(code, "--audit=leaks")
      assert.equal(0, result.code, result.err)
      assert.matches("%.lua:2: %l+ the loop [^\n]* in " .. hint, result.err)
    end
  end)

  it("is told apart from one that works", function()
    local result = run("local function busy() local till = os.clock() + " .. 0.2 * SLOW
      .. " while os.clock() < till do end end busy()")
    assert.matches("%.lua:2: kept the loop busy for %d+ ms in", result.err)
    assert.matches("aggr%.work", result.err)
  end)

  it("is in the envelope and in JSON logs", function()
    local decoded, result = envelope(PAUSE, "--log-format", "json")
    local stall = decoded.run.stalls[1]
    assert.matches("%.lua:2$", stall.where)
    assert.equal("os.execute", stall.fn)
    assert.equal("blocked", stall.cause)
    assert.equal(0, stall.delayed)
    assert.is_true(stall.seconds > 0.19 * SLOW and stall.seconds < 10 * SLOW)
    assert.is_nil(decoded.run.more_stalls)
    local logged = cjson.decode(result.err)
    assert.equal("stall", logged.event)
    assert.equal("warn", logged.level)
    assert.equal(stall.where, logged.where)
    assert.equal("[]", (envelope "return 1") and run("return 1", "--envelope").out:match('"stalls":(%b[])'))
  end)

  it("is reported with the requests that it has delayed, and no others", function()
    local fixture = support.fixture()
    local decoded, result = envelope(([[
      local base = %q
      return aggr.all({
        base:gsub("//", "//user:hidden@") .. "/delay?ms=50&a", base .. "/delay?ms=50&b", base .. "/delay?ms=%d",
        function() aggr.sleep(0.02) %s return 1 end,
      })]]):format(fixture:url(""), 600 * SLOW, PAUSE))
    local stall = decoded.run.stalls[1]
    assert.equal(2, stall.delayed, result.err)
    table.sort(stall.requests)
    assert.equal(2, #stall.requests)
    assert.matches("ms=50&a$", stall.requests[1])
    assert.matches("ms=50&b$", stall.requests[2])
    assert.no_matches("hidden", result.out .. result.err)
    assert.matches("; 2 requests waited: http://127", result.err)
  end)

  it("is not reported below --stall, with --stall 0 and, on stderr, with -q", function()
    for _, flags in ipairs { { "--stall", "10m" }, { "--stall", "0" }, { "-q" } } do
      local result = run(PAUSE, unpack(flags))
      assert.equal("", result.err)
      assert.equal(0, result.code)
    end
    assert.equal(1, #envelope(PAUSE, "-q").run.stalls)
  end)

  it("is told of three times for a line, then counted", function()
    local result = run("for _ = 1, 5 do " .. PAUSE .. " aggr.sleep(0) end")
    assert.equal(3, count(result.err, "blocked the loop"))
    assert.matches("%.lua:2: 2 more stalls there, of all the longest took %d+ ms", result.err)
  end)

  it("is kept a hundred times, then counted", function()
    local decoded = envelope([[for _ = 1, 130 do os.execute("sleep 0.006") aggr.sleep(0) end]], "--stall", "2ms")
    assert.equal(100, #decoded.run.stalls)
    assert.is_true(decoded.run.more_stalls >= 3)
  end)

  it("comes to no harm when it is looked at again and again inside of a C function", function()
    local decoded, result = envelope([==[
      local item = '{"id":1,"list":[1,2,3,4,5,6,7,8,9],"deep":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]},'
      local text = "[" .. item:rep(os.getenv "AGGR_TEST_GC" and 30 or 3000) .. "1]"
      local last
      for _ = 1, 60 do
        last = require("cjson").decode(text)
        aggr.sleep(0)
      end
      return { #last, last[1].list[9] }]==], "-q", "--stall", "2ms")
    assert.same({ decoded.data[1], 9 }, decoded.data, result.err)
    assert.is_true(#decoded.run.stalls > 10)
  end)

  it("goes on reading when it is only reported", function()
    local running = support.start({ "run", "--stall", "50ms", "-e", "return io.read()" },
      { stdin = support.PIPE, stdout = support.PIPE })
    assert.is_nil(running:read(1, 0.3)) -- nothing comes for so long
    running:write("late\n")
    assert.equal('"late"\n', running:read(7))
    local result = running:finish()
    assert.matches("blocked the loop for %d+ ms in io%.read", result.err)
  end)
end)

describe("--max-slice", function()
  local function killed(code, ...)
    return envelope(code, "--stall", "0", "--max-slice", ("%dms"):format(100 * SLOW), ...)
  end

  it("ends the task with kind stall, its line and exit code 4; deferred functions run", function()
    local decoded, result = killed [[
      local function endless() while true do end end
      aggr.defer(function() aggr.log.info("deferred") end)
      pcall(endless)
      return 1]]
    assert.equal(4, result.code)
    assert.equal("stall", decoded.errors[1].kind)
    assert.matches("%.lua:2$", decoded.errors[1].where)
    assert.equal(1, count(result.err, "info: deferred"))
  end)

  it("tells with -v the stack that the task was killed on", function()
    local _, result = killed("local function endless() while true do end end\nlocal function outer() endless() end\n"
      .. "outer()", "-v")
    assert.matches("%.lua:2: in function 'endless'.-%.lua:3: in function 'outer'.-%.lua:4: in main chunk", result.err)
  end)

  it("lets the siblings go on as their scope says", function()
    local decoded, result = killed [[
      local data, report = aggr.all({
        bad = function() while true do pcall(error) end end,
        good = function() aggr.sleep(0.01) return "good" end,
      })
      assert(report.sources.bad.error.kind == "stall")
      local ended
      local _, err = aggr.try(aggr.group, function(g)
        g:spawn(function() aggr.defer(function() ended = true end) aggr.sleep(60) end)
        g:spawn(function() aggr.sleep(0) while true do end end)
      end)
      return { good = data.good, kind = err.kind, ended = ended }]]
    assert.same({ good = "good", kind = "stall", ended = true }, decoded.data, result.err)
    assert.equal(3, result.code)
  end)

  it("ends endless deferred functions too; each of the others still starts once", function()
    local decoded, result = killed [[
      for i = 1, 2 do aggr.defer(function() aggr.log.info("last " .. i) end) end
      aggr.defer(function() aggr.log.info("endless") while true do end end)
      while true do end]]
    assert.equal("stall", decoded.errors[1].kind)
    assert.matches("endless\ninfo: last 2\ninfo: last 1\n", result.err)
    assert.equal(3, count(result.err, "info: "))
    assert.equal(1, #decoded.errors[1].suppressed)
  end)

  it("wakes a task that waits for its standard input", function()
    local running = support.start({ "run", "--max-slice", ("%dms"):format(100 * SLOW), "-e", "return io.read()" },
      { stdin = support.PIPE })
    local result = running:finish(10)
    assert.is_falsy(result.timed_out)
    assert.equal(4, result.code)
    assert.matches("stall: kept the loop for longer", result.err)
  end)

  it("leaves alone what the run does after the script #release", function()
    local result = support.script([[
      local aggr = require "aggr"
      local t = {}
      for i = 1, 2000 do
        for j = 1, 250 do t[#t + 1] = { i, j } end
        aggr.sleep(0)
      end
      return t]], { flags = { "--stall", "0", "--max-slice", ("%dms"):format(50 * SLOW) }, limit = 60 })
    assert.equal(0, result.code, result.err)
  end)

  it("does not count the time that the process is stopped", function()
    local running = support.start({ "run", "--stall", "0", "--max-slice", SLOW, "-e", [[
      aggr.emit "ready" aggr.sleep(0.05)
      local till = os.clock() + 0.3 while os.clock() < till do end
      return 1]] }, { stdout = support.PIPE })
    running:read(8)
    assert.is_nil(running:read(1, 0.15)) -- it works by now
    running:signal "STOP"
    assert.is_nil(running:read(1, 0.5 + SLOW))
    running:signal "CONT"
    assert.equal(0, running:finish().code)
  end)
end)

describe("killing over and over #release", function()
  local hostile = require "e2e.hostile_scripts"
  local kills = 30
  local names = {}
  for name in pairs(hostile) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it("leaves no survivor and a state that works: " .. name, function()
      local result = support.aggr({ "run", "--partial-ok", "--stall", "0", "--max-slice",
        ("%dms"):format(20 + 10 * SLOW), "tests/bench/kills.lua", kills, os.getenv("AGGR_SEED") or 1, name },
        { limit = 30 })
      assert.equal(kills .. "\n", result.out, result.err)
    end)
  end
end)

describe("--hard-stall", function()
  local ENDLESS = 'local s = ("a"):rep(3e4):find(".-.-.-.-b")'

  it("ends the process with 70 and names the line that nothing can leave; what was printed is there", function()
    local result = support.script('local aggr = require "aggr"\naggr.emit(1) aggr.emit { 2 }\n' .. ENDLESS,
      { flags = { "--hard-stall", ("%dms"):format(300 * SLOW), "--max-slice", "50ms" } })
    assert.equal(70, result.code)
    assert.equal("1\n[2]\n", result.out)
    assert.matches("^aggr: [^\n]*%.lua:3: has kept the loop for [%d.]+ s in string%.find and cannot be stopped: "
      .. "the run ends here %(%-%-hard%-stall%)\n$", result.err)
  end)

  it("names a finalizer, which nothing can leave either", function()
    local result = support.script([[
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = function() while true do pcall(error) end end
      proxy = nil
      collectgarbage()]],
      { flags = { "--hard-stall", ("%dms"):format(400 * SLOW), "--stall", "20ms", "--max-slice", "100ms" } })
    assert.equal(70, result.code, result.err)
    assert.matches("has kept the loop for [%d.]+ s in a finalizer", result.err)
  end)

  it("ends a finalizer that is the last to run, too; the result is printed by then", function()
    local result = support.script([[
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = function() while true do end end
      _G.kept = proxy
      return 1]], { flags = { "--hard-stall", ("%dms"):format(400 * SLOW) }, limit = 10 })
    assert.equal(70, result.code, result.err)
    assert.equal("1\n", result.out)
    assert.matches("%.lua: has kept the loop for [%d.]+ s in a finalizer and cannot be stopped", result.err)
  end)

  it("names the script when no line of it is left", function()
    local result = support.script('return (("a"):rep(3e4)):find(".-.-.-.-b")',
      { flags = { "--hard-stall", ("%dms"):format(300 * SLOW) } })
    assert.equal(70, result.code)
    assert.matches("^aggr: [^\n]*%.lua: has kept the loop for [%d.]+ s [^\n]*and cannot be stopped", result.err)
    result = support.aggr { "run", "--hard-stall", ("%dms"):format(300 * SLOW), "-e",
      'return (("a"):rep(3e4)):find(".-.-.-.-b")' }
    assert.matches("^aggr: %-e: has kept the loop", result.err)
  end)

  it("leaves what was printed to --out in FILE.partial", function()
    local path = support.file("old", ".json")
    local result = support.script('local aggr = require "aggr"\naggr.emit(1)\n' .. ENDLESS,
      { flags = { "--hard-stall", ("%dms"):format(300 * SLOW), "--stall", "0", "--out", path } })
    assert.equal(70, result.code)
    assert.equal("old", support.read(path))
    assert.equal("1\n", support.read(path .. ".partial"))
  end)

  it("does not wait for whoever reads stdout", function()
    local code = 'for _ = 1, 2 do aggr.emit(("x"):rep(60000)) aggr.sleep(0.1) end ' .. ENDLESS
    local running = support.start({ "run", "--hard-stall", "0.3", "-e", code }, { stdout = support.PIPE })
    local result = running:finish(15)
    assert.is_falsy(result.timed_out)
    assert.equal(70, result.code)
  end)
end)

describe("--max-stall", function()
  local GATE = ("%dms"):format(100 * SLOW)

  it("turns a run with a longer stall into exit code 5 and names it", function()
    local result = run(PAUSE .. " return 1", "--stall", "10m", "--max-stall", GATE)
    assert.equal(5, result.code)
    assert.equal("1\n", result.out)
    assert.matches("^aggr: [^\n]*%.lua:2: blocked the loop for %d+ ms in os%.execute: longer than the [%d.]+ s of "
      .. "%-%-max%-stall\n$", result.err)
    assert.equal(5, (envelope(PAUSE, "--max-stall", GATE).exit))
  end)

  it("also one that is partial, and leaves other codes as they are", function()
    local partial = "return aggr.all { function() " .. PAUSE .. " error 'x' end }"
    assert.equal(5, run(partial, "--max-stall", GATE).code)
    assert.equal(1, run(PAUSE .. " error 'x'", "--max-stall", GATE).code)
    assert.equal(2, run(PAUSE, "--max-stall", GATE, "--set", "a=b").code)
  end)

  it("passes shorter ones, whatever --stall reports", function()
    assert.equal(0, run(PAUSE, "--max-stall", "10m").code)
  end)

  it("leaves the target of --out as it was", function()
    local path = support.file("old", ".json")
    local result = run(PAUSE .. " return 1", "--max-stall", GATE, "--out", path)
    assert.equal(5, result.code)
    assert.equal("old", support.read(path))
    assert.equal("1\n", support.read(path .. ".partial"))
  end)
end)
