--- --max-memory: the task that goes over it is killed, whatever it does, and leaves a state that works.
local cjson = require "cjson"
local support = require "e2e.support"

local SCRIPTS = require "e2e.greedy_scripts"
local MiB = 2 ^ 20

--- Runs code with a limit; a slow build's pauses are no stalls.
local function run(code, limit, ...)
  return support.script('local aggr = require "aggr"\n' .. code,
    { flags = { "--max-memory", limit, "--stall", "0", "--max-slice", "0", ... }, limit = 60 })
end

local function envelope(code, limit, ...)
  local result = run(code, limit, "--envelope", ...)
  local ok, decoded = pcall(cjson.decode, result.out)
  assert.is_true(ok, result.out .. result.err)
  return decoded, result
end

local function greedy(...)
  local result = support.aggr({ "run", "-q", "--partial-ok", "--max-memory", "4MiB", "--stall", "0", "--max-slice", "0",
    "tests/e2e/greedy.lua", ... }, { limit = 120 })
  assert.equal(0, result.code, result.err)
  return cjson.decode(result.out)
end

-- #growing: not where the collector never rests, which looks at what has grown again and again.
describe("a task that goes over --max-memory #growing", function()
  support.guard(before_each, after_each)

  it("dies with its line, traceback, use, limit and a hint; its siblings go on, its defers run", function()
    local decoded = envelope([[
      local kept
      local data, report = aggr.all {
        greedy = function()
          aggr.defer(function()
            kept = { ("x"):rep(3 * 2 ^ 20) } -- there is room for it again
            for i = 1, 1000 do kept[i] = { i } end
            aggr.sleep(0)
          end)
          local t = {}
          while true do
            t[#t + 1] = { #t }
          end
        end,
        other = function() aggr.sleep(0.05) return #kept end,
      }
      data.traceback = report.sources.greedy.error.traceback
      return data, report]], "16MiB")
    assert.equal(3, decoded.exit)
    assert.equal(1000, decoded.data.other)
    local err = decoded.report.sources.greedy.error
    assert.equal("memory", err.kind)
    assert.matches("%.lua:1[012]$", err.where)
    assert.matches("%.lua:%d+: in function", decoded.data.traceback)
    assert.matches("^%d+%.%d MiB in use, over the limit of 16%.0 MiB %(%-%-max%-memory%)$", err.message)
    assert.matches("max%-memory", err.hint)
  end)

  it("ends the run with exit code 10 when it is the script's own; what is finished is printed", function()
    local result = run([[
      aggr.defer(function() aggr.emit "deferred" end)
      aggr.emit "first"
      local t = {}
      while true do t[#t + 1] = { #t } end]], "16MiB")
    assert.equal(10, result.code)
    assert.equal('"first"\n"deferred"\n', result.out)
    assert.matches("%.lua:5: memory: %d+%.%d MiB in use", result.err)
    result = run([[aggr.group(function(g) g:spawn(function() return #("x"):rep(1e9) end) aggr.sleep(9) end)]], "16MiB")
    assert.equal(10, result.code, result.err)
    result = run([[return aggr.all({ a = function() return #("x"):rep(1e9) end }, { need = true })]], "16MiB")
    assert.equal(4, result.code, result.err)
  end)

  it("is killed in the line of one huge request, not only past the limit", function()
    local decoded = envelope([[
      local function huge() local s = ("x"):rep(1e9) return s end
      local _, err = pcall(aggr.group, function(g) g:spawn(huge) end)
      return { err.kind, err.where, err.message, err.traceback }]], "16MiB")
    local kind, where, message, traceback = unpack(decoded.data)
    assert.equal("memory", kind)
    assert.matches("%.lua:2$", where)
    assert.matches("^%d+%.%d MiB more asked for at once, with %d+%.%d MiB in use, over the limit of 16%.0 MiB", message)
    assert.matches("%.lua:2%f[^%d]", traceback)
    assert.is_true(decoded.run.memory.peak_heap < 2 * MiB + 18 * MiB)
  end)

  for name, code in pairs(SCRIPTS) do
    it("is killed by: " .. name, function()
      local decoded, result = envelope(code, "16MiB")
      assert.equal("memory", decoded.errors[1] and decoded.errors[1].kind, result.err)
      assert.equal(10, decoded.exit)
      assert.is_truthy(decoded.errors[1].where)
      assert.is_true(decoded.run.memory.peak_heap <= 21 * MiB, tostring(decoded.run.memory.peak_heap / MiB))
    end)
  end

  it("is not killed for garbage, however much of it there is at once", function()
    local decoded, result = envelope([[
      local kept, n = ("k"):rep(4 * 2 ^ 20), 0
      for i = 1, 1e6 do n = n + #{ i, i, i } end
      for i = 1, 100 do n = n + #(("x"):rep(2 ^ 20) .. i) end
      collectgarbage "stop"
      for i = 1, 1e6 do n = n + #{ i, i, i } end
      return #kept]], "16MiB")
    assert.equal(0, decoded.exit, result.err)
    assert.equal(4 * MiB, decoded.data)
  end)

  it("is the one that reads or decodes an answer that is too large, too", function()
    local fixture = support.fixture()
    local code = [[
      local data, report = aggr.all {
        body = function() return #aggr.fetch { url = %q, max_body = "64MiB" }.body end,
        json = function()
          local t = {}
          for i = 1, 60 do t[i] = aggr.json.decode(%q) end
          return #t
        end,
        fine = function() return #aggr.fetch(%q).body end,
      }
      return data, report]]
    local big = "[" .. ('{"a":[1,2,3]},'):rep(5000) .. "1]"
    local decoded, result = envelope(code:format(fixture:url("/bytes?n=20000000"), big, fixture:url("/bytes?n=1000")),
      "16MiB")
    assert.equal(1000, decoded.data.fine, result.err)
    assert.equal("memory", decoded.report.sources.body.error.kind)
    assert.equal("memory", decoded.report.sources.json.error.kind)
  end)

  it("may keep data for others that cannot go on then, and the run still ends", function()
    local result = run([[
      keep = {}
      local names = {}
      for i = 1, 50 do names[i] = function() while true do keep[#keep + 1] = { i } end end end
      local _, report = aggr.all(names)
      return report.failed]], "16MiB", "--no-strict")
    assert.equal(10, result.code, result.out .. result.err)
  end)

  it("leaves a thousand times in a row a state that works", function()
    local got = greedy(1000)
    assert.same({}, got.wrong)
    assert.equal(1000, got.killed)
    assert.equal(100000, got.cleaned)
  end)

  it("may be a function of aggr.work: the error is raised at the call, and its thread works on", function()
    local got = greedy(40, "work")
    assert.same({}, got.wrong)
    assert.equal(40, got.killed)
    local decoded = envelope([[
      local function small() return 1 end
      local ok, err = pcall(aggr.work, function() local t = {} while true do t[#t + 1] = tostring(#t) .. "x" end end)
      return { err.kind, err.where, err.message, aggr.work(small), err.spawned }]], "16MiB", "--workers", "1")
    assert.equal("memory", decoded.data[1])
    assert.matches("%.lua:3$", decoded.data[2])
    assert.matches("16%.0 MiB", decoded.data[3])
    assert.equal(1, decoded.data[4])
  end)

  it("is nobody without the option, nor with 0", function()
    for _, limit in ipairs { "0", "1GiB" } do
      assert.equal(0, run("local t = {} for i = 1, 1e6 do t[i] = { i } end return #t", limit).code)
    end
  end)

  it("is told from the command line: sizes, or 0", function()
    for _, wrong in ipairs { "-1", "much", "5 MB", "" } do
      local result = support.aggr { "run", "--max-memory", wrong, "-e", "return 1" }
      assert.equal(2, result.code)
      assert.matches("%-%-max%-memory must be a size such as 65536 or 64MiB, or 0", result.err)
    end
    local result = support.aggr({ "run", "-e", "return #('x'):rep(1e9)" }, { env = { AGGR_MAX_MEMORY = "8MiB" } })
    assert.equal(10, result.code, result.err)
  end)

  it("is reported in kind when the result takes too much to print", function()
    local decoded = envelope([[
      local t = {}
      for i = 1, 4e5 do t[i] = "tttttttttttttttttttttttttt" end
      return t]], "8MiB")
    assert.equal(10, decoded.exit)
    assert.equal("memory", decoded.errors[1].kind)
  end)
end)

describe("the envelope", function()
  support.guard(before_each, after_each)

  it("has what the run took: heap, buffered bytes, tasks", function()
    local fixture = support.fixture()
    local decoded = cjson.decode(support.script(([[
      local aggr = require "aggr"
      local text = ("x"):rep(5e6)
      aggr.map({ 1, 2, 3 }, function() return #aggr.fetch(%q).body end)
      return #text]]):format(fixture:url("/bytes?n=300000")), { flags = { "--envelope" } }).out)
    local memory = decoded.run.memory
    assert.is_true(memory.peak_heap > 5e6 and memory.peak_heap < 30e6)
    assert.is_true(memory.heap <= memory.peak_heap)
    assert.is_true(memory.peak_buffered >= 300000 and memory.peak_buffered < 1e6, tostring(memory.peak_buffered))
    assert.equal(4, memory.peak_tasks)
    assert.equal(0, memory.tasks)
  end)
end)
