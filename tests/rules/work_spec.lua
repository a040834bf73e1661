--- aggr.work: Lua on threads of its own; what is copied, what is refused, what is raised.
local aggr = require "aggr"
local support = require "rules.support"
local testing = require "aggr.testing"

local core = testing.require "aggr.core.work"
local work, raised, usage = aggr.work, support.raised, support.usage
local here = debug.getinfo(1, "S").source:sub(2)

--- This line of the file, `offset` lines further down.
local function line(offset)
  return ("%s:%d"):format(here, debug.getinfo(2, "l").currentline + (offset or 0))
end

local function same(...)
  return ...
end

local function folder()
  local pipe = io.popen("mktemp -d")
  local path = pipe:read("*l")
  pipe:close()
  return path
end

local scratch = folder()

--- A module of this source that `require` finds, as its name.
local function module(name, source)
  local file = assert(io.open(("%s/%s.lua"):format(scratch, name), "w"))
  file:write(source)
  file:close()
  return name
end

describe("aggr.work", function()
  local path = package.path
  setup(function() package.path = scratch .. "/?.lua;" .. path end)
  teardown(function()
    package.path = path
    os.execute("rm -r " .. scratch)
  end)

  describe("copies", function()
    it("nil, booleans, numbers, strings and aggr.null, as many as there are", function()
      local results = { n = select("#", work(same, nil, true, false, 0.1, -0, 2 ^ 60, "a\0b", "", aggr.null, nil)),
        work(same, nil, true, false, 0.1, -0, 2 ^ 60, "a\0b", "", aggr.null, nil) }
      assert.equal(10, results.n)
      assert.same({ n = 10, nil, true, false, 0.1, 0, 2 ^ 60, "a\0b", "", aggr.null, nil }, results)
      assert.equal(-math.huge, 1 / results[5])
      local nan = work(same, 0 / 0)
      assert.is_true(nan ~= nan)
      assert.equal(0, select("#", work(function() end)))
      assert.equal(200, select("#", work(same, unpack({}, 1, 200))))
    end)

    it("tables, with holes and with keys of every kind", function()
      local given = { 1, "two", { three = { 4 } }, [6] = 6, [-1] = -1, [0.5] = "half", [true] = false, ["a b"] = {} }
      assert.same(given, work(same, given))
      assert.same(given, (work(function(t)
        assert(t[3].three[1] == 4 and t[6] == 6 and t[true] == false and t[0.5] == "half" and #t["a b"] == 0)
        return t
      end, given)))
    end)

    it("tables that are shared or contain themselves as what they are", function()
      local inner = { 1 }
      local given = { inner, inner, up = {} }
      given.up.up = given
      local got, again = work(function(a, b)
        assert(a[1] == a[2] and a == b and a.up.up == a)
        a[1][1] = 2
        return a, a[1]
      end, given, given)
      assert.equal(got[1], got[2])
      assert.equal(got, got.up.up)
      assert.equal(again, got[1])
      assert.equal(2, got[2][1])
      assert.equal(1, inner[1], "the script's own table is not touched")
    end)

    it("the marks of aggr.array and aggr.object", function()
      local got = work(function(t)
        local aggr = require "aggr" -- luacheck: ignore
        assert(aggr.json.encode(t) == '{"a":[],"o":{"1":true}}')
        return { a = aggr.array {}, o = aggr.object { true } }
      end, { a = aggr.array {}, o = aggr.object { true } })
      assert.equal('{"a":[],"o":{"1":true}}', aggr.json.encode(got))
    end)

    it("empty lists of JSON texts, which stay lists", function()
      local got = work(function(t)
        local aggr = require "aggr" -- luacheck: ignore
        assert(aggr.json.encode(t) == '{"a":[],"o":{}}')
        return { t, aggr.json.decode '{"b":[[]]}' }
      end, aggr.json.decode '{"a":[],"o":{}}')
      assert.equal('[{"a":[],"o":{}},{"b":[[]]}]', aggr.json.encode(got))
    end)

    it("large JSON texts in one go", function()
      local text = aggr.json.encode { ("x"):rep(1000000), {} }
      assert.equal(1000000, #work(function(json)
        local aggr = require "aggr" -- luacheck: ignore
        return aggr.json.decode(json)[1]
      end, text))
    end)

    it("a table nested 900 deep, and refuses one nested deeper than 1,000", function()
      local function nested(depth)
        local t = {}
        for _ = 1, depth do t = { t } end
        return t
      end
      local got, depth = work(same, nested(900)), 0
      while got do got, depth = got[1], depth + 1 end
      assert.equal(901, depth)
      usage("aggr.work: argument 1: [1][1][1][1][1][1][1][1][1][1][1][1]... is nested too deep", work, same,
        nested(2000))
    end)
  end)

  describe("refuses by its path", function()
    for what, value in pairs { ["a function"] = print, ["a coroutine"] = coroutine.create(print),
      ["a userdata"] = newproxy(), ["a table with a metatable"] = setmetatable({}, {}) } do
      it(what .. " among the arguments", function()
        usage("aggr.work: argument 2 is " .. what, work, same, 1, value)
        usage("aggr.work: argument 2: .rows[3].f is " .. what, work, same, 1, { rows = { 1, 2, { f = value } } })
        usage('aggr.work: argument 1: ["a b"][0.5][true] is ' .. what, work, same,
          { ["a b"] = { [0.5] = { [true] = value } } })
      end)
    end

    it("a table as a key", function()
      usage("argument 1: .t has a key that is neither string, number nor boolean", work, same, { t = { [{}] = 1 } })
    end)

    it("a Response, with what to pass instead", function()
      local client = aggr.client { base = "http://127.0.0.1:9", transport = function() return { status = 200 } end }
      usage("argument 1 is a userdata (a Response: pass its body)", work, same, client:get "/")
    end)

    it("what the function returns", function()
      usage("aggr.work: result 2: .f is a function", work, function() return 1, { f = print } end)
    end)

    it("and what it uses of its surroundings, by name", function()
      local cfg = {}
      usage("work: the function uses the local 'cfg' of its surroundings; pass it as an argument", work,
        function() return cfg end)
      usage("uses the local 'aggr' of its surroundings; have local aggr = require \"aggr\" inside it", work,
        function() return aggr.null end)
      usage("uses the local 'same' of its surroundings; define that function inside it", work,
        function() return same() end)
      local unset = nil
      usage("uses the local 'unset' of its surroundings", work, function() return unset end)
    end)

    it("functions of C and of the library, and what is none", function()
      usage("a function of Lua's or aggr's own cannot be passed", work, print)
      usage("a function of Lua's or aggr's own cannot be passed", work, aggr.json.encode)
      usage("expected a function, or the names of a module and its function, got a table", work, {})
      usage("expected the name of a function in module 'm', got nil", work, "m")
    end)
  end)

  describe("raises", function()
    it("an error with its own line, the traceback over there and the line of the call", function()
      local place, called = line(2), line(1)
      local err = raised(function() local _ = work(function()
        local function deeper(x) return x.y .. "" end
        return (deeper(nil))
      end) end)
      assert.equal("script", err.kind)
      assert.equal(place, err.where)
      assert.equal(called, err.spawned)
      assert.truthy(err.message:find("attempt to index local 'x'", 1, true), err.message)
      assert.truthy(err.traceback:find(place .. ": in function 'deeper'", 1, true), err.traceback)
    end)

    it("strings and tables as values", function()
      assert.equal("plain", raised(work, function() error("plain", 0) end).value)
      local err = raised(work, function() error { kind = "mine", list = { 1, { 2 } } } end)
      assert.equal("script", err.kind)
      assert.same({ kind = "mine", list = { 1, { 2 } } }, err.value)
    end)

    it("words in place of a value that cannot be copied", function()
      local err = raised(work, function() error { f = print } end)
      assert.same({ "script", "error object is a table" }, { err.kind, err.message })
      assert.is_nil(err.value)
      err = raised(work, function() error(setmetatable({}, { __tostring = function() return "told" end })) end)
      assert.equal("told", err.message)
    end)

    it("Errors of the library with their kind", function()
      local err = raised(work, function() return (require "aggr".json.decode("[1,")) end)
      assert.equal("decode", err.kind)
      assert.truthy(err.message:find("at byte 4", 1, true))
    end)

    it("a stack overflow as an ordinary error", function()
      local err = raised(work, function()
        local function f() return 1 + f() end
        return f()
      end)
      assert.truthy(err.message:find("stack overflow", 1, true), err.message)
      err = raised(work, function()
        local function g(s) return (s:gsub(".", g)) end
        return g "x"
      end)
      assert.truthy(err.message:find("overflow", 1, true), err.message)
    end)
  end)

  describe("runs functions", function()
    it("with the same code on the same thread state more than once, each with new globals", function()
      local function leave()
        local left = rawget(_G, "global") or rawget(_G, "loaded") or rawget(string, "shout") or rawget(table, "extra")
        global, string.shout, _G.table.extra = 1, string.upper, 2 -- luacheck: ignore
        load("loaded = 1")()
        return left, rawget(_G, "global") + rawget(_G, "loaded")
      end
      for _ = 1, 50 do
        local left, set = work(leave)
        assert.same({ nil, 2 }, { left, set })
      end
    end)

    it("that see Lua's libraries and none of the script's globals", function()
      _G.of_the_script = 1
      local err = raised(work, function() return of_the_script end) -- luacheck: ignore
      _G.of_the_script = nil
      assert.same({ "usage", "undefined global 'of_the_script'" }, { err.kind, err.message })
      assert.truthy(err.hint:find("pass it as an argument", 1, true))
      assert.equal("3 A 2 x=1", work(function()
        return ("%d %s %d %s"):format(math.floor(3.7), ("a"):upper(), #table.concat { 1, 2 }, ("x=%d"):format(1))
      end))
    end)

    it("of a module that package.path finds, which stays loaded", function()
      local name = module("counting", [[
        local m, count, loaded_as = {}, 0, ...
        function m.add(n) count = count + n return count, loaded_as end
        m.number = 1
        return m]])
      local most = 0
      for _ = 1, 20 do
        local sum, loaded_as = work(name, "add", 1)
        assert.equal("counting", loaded_as)
        most = math.max(most, sum)
      end
      assert.is_true(most > 1)
      usage("module 'counting' has no function 'ad', did you mean 'add'?", work, name, "ad")
      usage("module 'counting' has no function 'number'", work, name, "number")
      assert.truthy(raised(work, "nowhere_to_be_found", "f").message:find("module 'nowhere_to_be_found' not found", 1,
        true))
    end)

    it("whose module does not compile, or is bytecode, with an error that names the file", function()
      local broken, binary = module("broken", "return {,}"), module("binary", string.dump(function() end))
      assert.truthy(tostring(raised(work, broken, "f")):find("broken.lua:1: ", 1, true))
      assert.truthy(tostring(raised(work, binary, "f")):find("binary.lua", 1, true))
    end)

    it("without what is the process's or the run's", function()
      for name, fn in pairs {
        ["os.exit"] = function() os.exit(1) end,
        ["io.write"] = function() io.write "x" end,
        ["io.output"] = function() io.output():write "x" end,
        ["aggr.fetch"] = function() return require "aggr".fetch "http://127.0.0.1" end,
      } do
        local err = raised(work, fn)
        assert.equal("usage", err.kind)
        assert.truthy(err.message:find(name .. " is not there in functions of aggr.work", 1, true), err.message)
      end
      assert.truthy(raised(work, function() io.stdout:write "x" end).message:find("io.write is not there", 1, true))
      for _, fn in ipairs { function() debug.sethook() end, function() require "jit.profile" end,
        function() package.loadlib("libluajit-5.1.so.2", "luaopen_ffi") end,
        function() assert(load(string.dump(function() end))) end } do
        assert.truthy(raised(work, fn))
      end
      assert.truthy(raised(work, function() return require "ffi" end).message:find("ffi is off", 1, true))
    end)

    it("with random numbers that differ from state to state", function()
      local function draw(gate)
        local numbers = {}
        for i = 1, 1000 do numbers[i] = math.random() end
        if gate then io.open(gate):close() end
        return numbers
      end
      local fifo = scratch .. "/random"
      assert.equal(0, os.execute("mkfifo " .. fifo))
      local drawn = aggr.all({
        function() return work(draw, fifo) end,
        function()
          local numbers = work(draw)
          aggr.write(fifo, "")
          return numbers
        end,
      }, { need = true })
      local seen = {}
      for _, number in ipairs(drawn[1]) do seen[number] = true end
      for _, number in ipairs(drawn[2]) do assert.is_nil(seen[number]) end
    end)

    it("at once, and the loop goes on meanwhile", function()
      local fifo = scratch .. "/gate"
      assert.equal(0, os.execute("mkfifo " .. fifo))
      local values = aggr.all({
        blocked = function()
          return work(function(gate)
            local file = assert(io.open(gate))
            return file:read("*a")
          end, fifo)
        end,
        opens = function()
          assert.equal(2, work(function() return 2 end))
          aggr.write(fifo, "opened")
          return true
        end,
      }, { need = true })
      assert.same({ blocked = "opened", opens = true }, values)
    end)
  end)

  describe("when it is cancelled", function()
    local function blocked(gate)
      local file = assert(io.open(gate))
      return file:read("*a")
    end

    local fifo
    before_each(function()
      fifo = ("%s/%d"):format(scratch, math.random(1e9))
      assert.equal(0, os.execute("mkfifo " .. fifo))
      core.late(true)
    end)

    --- Waits until fn() is true, one round trip to other threads after the other.
    local function await(fn)
      for _ = 1, 100000 do
        if fn() then return true end
        aggr.read "/dev/null"
      end
      return false
    end

    it("lets the task go on at once, and tells afterwards how long it ran on", function()
      local place = line(1)
      aggr.group(function(g) local task = g:spawn(function() local _ = work(blocked, fifo) end)
        assert.is_true(await(function() return core.stats().running == 1 end))
        task:cancel()
        aggr.sleep(0)
        assert.equal("cancelled", task.state)
      end)
      assert.same({}, core.late(false))
      aggr.write(fifo, "go on")
      local late
      assert.is_true(await(function()
        late = core.late(false)[1]
        return late ~= nil
      end))
      assert.equal(place, late.where)
      assert.is_false(late.running)
      assert.is_true(late.seconds > 0)
      assert.same({}, core.late(true))
    end)

    it("and still runs at the end, it is told of then", function()
      aggr.group(function(g)
        local task = g:spawn(function() local _ = work(blocked, fifo) end)
        assert.is_true(await(function() return core.stats().running == 1 end))
        task:cancel()
      end)
      local late = core.late(true)
      assert.equal(1, #late)
      assert.is_true(late[1].running)
      assert.same({}, core.late(true))
      aggr.write(fifo, "go on")
      assert.is_true(await(function() return core.stats().running == 0 end))
    end)

    it("before it has started, it never runs; those that hang leave room for others", function()
      aggr.group(function(g)
        local tasks = {}
        for i = 1, 300 do tasks[i] = g:spawn(function() return work(blocked, fifo) end) end
        assert.is_true(await(function() return core.stats().running > 1 end))
        local stats = core.stats()
        assert.equal(300, stats.running + stats.queued)
        for _, task in ipairs(tasks) do task:cancel() end
      end)
      assert.equal(0, core.stats().queued)
      assert.equal("done", work(function() return "done" end), "although all threads hang")
      local running = core.stats().running
      assert.is_true(running > 1 and running <= 64)
      assert.equal(running, #core.late(true))
      while core.stats().running > 0 do aggr.write(fifo, "go on") end
    end)
  end)

  it("gives a state that holds too much a new one", function()
    local function grow()
      local m = package.loaded.kept or {}
      package.loaded.kept = m
      m[#m + 1] = ("x"):rep(100 * 2 ^ 20)
      return #m
    end
    for _ = 1, 5 do assert.equal(1, work(grow)) end
    work(function() end)
    assert.is_true(core.stats().bytes < 64 * 2 ^ 20 * core.stats().threads)
  end)
end)
