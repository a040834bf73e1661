--- Reports of stalls name the line that took the time: seeded cases, none wrong.
--
-- Each case is a piece of script that stalls on the lines that end in `--@`, put behind and into random
-- other lines. AGGR_SEED chooses others. #timed: not where the collector never rests.
-- BIG is how often a compiled loop runs in a tenth of a second.
local support = require "e2e.support"

local SEED = tonumber(os.getenv("AGGR_SEED") or 1)
local ROUNDS = support.slow > 1 and 1 or 2

-- { what, code, fn = who is to be named (nil: not looked at), cause = }
local CASES = {
  { "a compiled loop", [[
    local n = 0
    for i = 1, BIG do n = n + i % 7 end --@]], cause = "cpu" },
  { "compiled loops inside one another", [[
    local n = 0
    for i = 1, 15000 do --@
      for j = 1, BIG / 15000 do n = n + i * j end --@
    end]], cause = "cpu" },
  { "a loop that is not compiled", [[
    local function slow()
      local n = 0
      for i = 1, 3e7 do n = n + i % 7 end --@
      return n
    end
    jit.off(slow)
    slow()]], fn = "slow", cause = "cpu" },
  { "a loop without an end of its own", [[
    local began = os.clock()
    while true do if os.clock() - began > 0.2 then break end end --@]], cause = "cpu" },
  { "a loop over a table", [[
    local t = {}
    for i = 1, 100 do t[i] = i end
    local function sum()
      local n = 0
      for _ = 1, BIG / 100 do for _, v in ipairs(t) do n = n + v end end --@
      return n
    end
    sum()]], fn = "sum", cause = "cpu" },
  { "pairs of a large table", [[
    local t = {}
    for i = 1, 1000 do t["k" .. i] = i end
    local n = 0
    for _ = 1, 2e4 do for _, v in pairs(t) do n = n + v end end --@]], cause = "cpu" },
  { "texts put together", [[
    local n = 0
    for i = 1, 1.5e6 do n = n + #("k" .. i) end --@]], cause = "cpu" },
  { "a pcall loop", [[
    for i = 1, 1e6 do pcall(error, i) end --@]], cause = "cpu" },
  { "a loop in a pcall", [[
    local function work()
      local n = 0
      for i = 1, BIG do n = n + i end --@
      error(n)
    end
    pcall(work)]], cause = "cpu" },
  { "a coroutine in a coroutine", [[
    local function deepest()
      local n = 0
      for i = 1, BIG do n = n + i end --@
      return n
    end
    local function outer()
      local inner = coroutine.wrap(deepest)
      return inner()
    end
    local co = coroutine.create(outer)
    coroutine.resume(co)]], cause = "cpu" },
  { "a C function in a coroutine in a coroutine", [[
    local function deepest()
      os.execute("sleep 0.15") --@
    end
    local co = coroutine.create(function() coroutine.wrap(deepest)() end)
    coroutine.resume(co)]], fn = "os.execute", cause = "blocked" },
  { "a generator that is resumed often", [[
    local function numbers()
      for i = 1, 1e6 do coroutine.yield(i) end --@
    end
    for _ in coroutine.wrap(numbers) do local _ = 1 end --@]], cause = "cpu" },
  { "an __index metamethod", [[
    local slow = setmetatable({}, { __index = function(_, k)
      local n = 0
      for i = 1, BIG do n = n + i end --@
      return n, k
    end })
    local x = slow.value
    if x then x = nil end]], cause = "cpu" },
  { "an __add metamethod that blocks", [[
    local V = setmetatable({}, { __add = function(a)
      os.execute("sleep 0.15") --@
      return a
    end })
    local x = V
      + V
    if x then x = nil end]], fn = "os.execute", cause = "blocked" },
  { "os.execute", [[
    os.execute("sleep 0.15") --@]], fn = "os.execute", cause = "blocked" },
  { "os.execute in an expression of many lines", [[
    local t = {
      first = tostring(1),
      second = os.execute("sleep 0.15"), --@
      third = tostring(3),
    }
    t = nil]], fn = "os.execute", cause = "blocked" },
  { "os.execute among the arguments of a call", [[
    local function id(...) return ... end
    id(
      1,
      os.execute("sleep 0.15"), --@
      id(2),
      3
    )]], fn = "os.execute", cause = "blocked" },
  { "os.execute through pcall", [[
    pcall(os.execute, "sleep 0.15") --@]], fn = "os.execute", cause = "blocked" },
  { "os.execute under another name", [[
    local run = os.execute
    local function deploy(how)
      return (run(how)) --@
    end
    deploy("sleep 0.15")]], fn = "os.execute", cause = "blocked" },
  { "many short calls of os.execute", [[
    for _ = 1, 60 do
      os.execute("sleep 0.004") --@
    end]], fn = "os.execute", cause = "blocked" },
  { "a pipe that is read", [[
    local pipe = io.popen("sleep 0.3; echo x")
    local text = pipe:read("*a") --@
    pipe:close()
    text = nil]], fn = "file:read", cause = "blocked" },
  { "a pipe that is closed", [[
    local pipe = io.popen("sleep 0.3")
    pipe:close() --@]], fn = "file:close", cause = "blocked" },
  { "lines of a pipe", [[
    local pipe = io.popen("sleep 0.3; echo x")
    for line in pipe:lines() do --@
      line = nil
    end
    pipe:close()]], cause = "blocked" },
  { "string.rep", [[
    local s
    for i = 1, 120 do s = ("x"):rep(5e6 + i) end --@
    s = nil]], cause = "cpu" },
  { "one string.rep", [[
    local s = string.rep("x", 4e8) --@
    s = nil]], fn = "string.rep", cause = "cpu" },
  { "a pattern", [[
    local s = ("a"):rep(200)
    local found = s:find(".-.-.-b") --@
    found = nil]], fn = "string.find", cause = "cpu" },
  { "a pattern in string.match, called with a dot", [[
    local s = ("a"):rep(200)
    local found = string.match(
      s, ".-.-.-b") --@-1
    found = nil]], fn = "string.match", cause = "cpu" },
  { "gsub with a function", [[
    local function double(c) return c .. c end
    local s = ("a"):rep(1e6)
    s = s:gsub(".", double) --@
    s = nil]], cause = "cpu" },
  { "table.sort", [[
    local t = {}
    for i = 1, 6e5 do t[i] = (i * 7919) % 600011 end
    table.sort(t) --@]], fn = "table.sort", cause = "cpu" },
  { "table.sort with a comparison", [[
    local t = {}
    for i = 1, 3e5 do t[i] = (i * 7919) % 600011 end
    table.sort(t, function(a, b) return a > b end) --@]], cause = "cpu" },
  { "table.concat", [[
    local t = {}
    for i = 1, 100 do t[i] = ("x"):rep(1e5) end
    for _ = 1, 150 do table.concat(t) end --@]], cause = "cpu" },
  { "a recursion", [[
    local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end --@
    local x = fib(jit.status() and 34 or 31)
    x = nil]], cause = "cpu" },
  { "a tail call of a Lua function", [[
    local function work()
      local n = 0
      for i = 1, BIG do n = n + i end --@
      return n
    end
    local function outer() return work() end
    outer()]], cause = "cpu" },
  { "a tail call of a C function: the innermost line that Lua knows of", [[
    local function outer(how) return os.execute(how) end
    outer("sleep 0.15") --@
    local x = 1]], fn = "os.execute", cause = "blocked" },
  { "a chain of methods over many lines", [[
    local chain = {}
    function chain:fast() return self end
    function chain:slow()
      os.execute("sleep 0.15") --@
      return self
    end
    chain
      :fast()
      :slow()
      :fast()]], fn = "os.execute", cause = "blocked" },
  { "JSON that is decoded", [[
    local item = '{"id":1,"list":[1,2,3,4,5,6,7,8,9],"name":"some name or other"},'
    local text = "[" .. item:rep(1e5) .. "1]"
    local data = require("cjson").decode(text) --@
    data = nil]], fn = "decode", cause = "cpu" },
  { "a goto loop", [[
    local n = 0
    ::again::
    n = n + 1 if n < BIG then goto again end --@
    n = nil]], cause = "cpu" },
  { "a repeat loop of small calls", [[
    local n = 0
    local function bump() n = n + 1 end --@
    repeat bump() until n > BIG --@]], cause = "cpu" },
  { "a module's function", [[
    require("NAME").work()]], module = [[
    local M = {}
    function M.work()
      local n = 0
      for i = 1, BIG do n = n + i end --@
      return n
    end
    return M]], cause = "cpu" },
  { "a module that is loaded", [[
    require("NAME")]], module = [[
    local t = {}
    os.execute("sleep 0.15") --@
    return t]], fn = "os.execute", cause = "blocked" },
}

local FILLER = { "-- nothing", "local a%d = %d", "do local b%d = { %d } end", "",
  "local function f%d() return %d end", "local s%d = [[\nlong\ntext %d]]" }

local random

local function filler(out)
  for _ = 1, random(6) do
    local line = FILLER[random(#FILLER)]
    out[#out + 1] = line:format(random(1000), random(1000))
  end
end

--- The code with other lines in front and behind, and the lines that it may stall on.
local function dress(code)
  local out = { 'local aggr = require "aggr"', "local BIG = jit.status() and 1e8 or 1e7 * aggr.now() ^ 0" }
  filler(out)
  if random(2) == 1 then
    out[#out + 1] = "do"
    out[#out + 1] = code
    out[#out + 1] = "end"
  else
    out[#out + 1] = code
  end
  if not code:find("return M", 1, true) and not code:find("return t$") then filler(out) end
  local text = table.concat(out, "\n")
  local lines, number = {}, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local offset = line:match("%-%-@(.*)$")
    if offset then lines[number + (tonumber(offset) or 0)] = true end
  end
  return text, lines
end

local modules = 0

--- The paths of script and module, and the place that is to be named, as a set.
local function write(case)
  local code, expected, name = case[2], {}, nil
  if case.module then
    modules = modules + 1
    name = "stalling" .. modules
    local text, lines = dress(case.module)
    local path = support.folder() .. "/" .. name .. ".lua"
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    for line in pairs(lines) do expected[path .. ":" .. line] = true end
  end
  local text, lines = dress((code:gsub("NAME", name or "")))
  local path = support.file(text, ".lua")
  for line in pairs(lines) do expected[path .. ":" .. line] = true end
  return path, expected, text
end

describe("a stall's report names its line #timed:", function()
  local cjson = require "cjson"
  random = setmetatable({ state = SEED }, { __call = function(self, n)
    self.state = (self.state * 1103515245 + 12345) % 2 ^ 31
    return math.floor(self.state / 2 ^ 16) % n + 1
  end })

  for round = 1, ROUNDS do
    for _, case in ipairs(CASES) do
      it(("%s (%d)"):format(case[1], round), function()
        local path, expected, text = write(case)
        local result = support.aggr({ "run", "--stall", "30ms", "--max-slice", "0", "--envelope", path },
          { limit = 30 })
        assert.equal(0, result.code, result.err)
        local stalls = cjson.decode(result.out).run.stalls
        local longest = stalls[1]
        for _, stall in ipairs(stalls) do
          if stall.seconds > longest.seconds then longest = stall end
        end
        assert(longest, "no stall was reported:\n" .. text)
        assert.is_true(expected[longest.where],
          ("%s is wrong (seed %d):\n%s\n%s"):format(longest.where, SEED, result.err, text))
        if case.fn then assert.equal(case.fn, longest.fn) end
        assert.equal(case.cause, longest.cause)
      end)
    end
  end
end)
