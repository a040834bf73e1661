--- Where Lua can wait, and that what stands in for Lua's own behaves as Lua's own (facts about
--- LuaJIT: pcall, metamethods, iterators, gsub, require, load; recursion; bytecode; hooks).
local aggr = require "aggr"
local testing = require "aggr.testing"

local raw = testing.originals

--- Runs fn beside a task that counts turns; says whether fn really gave others a chance.
local function waits(fn)
  local began = aggr.now()
  fn()
  return aggr.now() > began
end

describe("a checkpoint yields", function()
  it("across pcall, xpcall and aggr.try", function()
    assert.is_true(waits(function() pcall(aggr.sleep, 1) end))
    assert.is_true(waits(function() xpcall(aggr.sleep, print, 1) end))
    assert.is_true(waits(function() aggr.try(aggr.sleep, 1) end))
    assert.same({ true, 7 }, { pcall(function()
      aggr.sleep(1)
      return 7
    end) })
  end)

  it("across metamethods", function()
    local meta = {}
    for _, event in ipairs { "__index", "__newindex", "__call", "__add", "__concat", "__eq", "__lt", "__le",
      "__unm" } do
      meta[event] = function()
        aggr.sleep(1)
        return 1
      end
    end
    local a, b = setmetatable({}, meta), setmetatable({}, meta)
    local uses = {
      function() return a.x end, function() a.x = 1 end, function() return a() end, function() return a + b end,
      function() return a .. b end, function() return a == b end, function() return a < b end,
      function() return a <= b end, function() return -a end,
      function() return tostring(setmetatable({}, { __tostring = function()
        aggr.sleep(1)
        return "t"
      end })) end,
    }
    for i, use in ipairs(uses) do assert.is_true(waits(use), "metamethod " .. i) end
  end)

  it("across iterators", function()
    local seen = 0
    assert.is_true(waits(function()
      for i in function(_, last)
        aggr.sleep(1)
        last = (last or 0) + 1
        return last <= 3 and last or nil
      end do
        seen = seen + i
      end
    end))
    assert.equal(6, seen)
  end)

  it("across loadfile'd and dofile'd chunks", function()
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write("#! shebang\nlocal aggr = ...\naggr.sleep(1)\nreturn 5, ...")
    file:close()
    local chunk = assert(loadfile(name))
    assert.is_true(waits(function() assert.equal(5, (chunk(aggr))) end))
    _G.aggr_for_dofile = aggr
    file = assert(io.open(name, "w"))
    file:write("aggr_for_dofile.sleep(1)\nreturn 6, 7")
    file:close()
    assert.is_true(waits(function() assert.same({ 6, 7 }, { dofile(name) }) end))
    _G.aggr_for_dofile = nil
    os.remove(name)
    assert.is_false((pcall(dofile, name)))
  end)

  it("in the readers of load", function()
    local pieces = { "return ", "1, ", "2", "" }
    assert.is_true(waits(function()
      local chunk = assert(load(function()
        aggr.sleep(1)
        return table.remove(pieces, 1)
      end))
      assert.same({ 1, 2 }, { chunk() })
    end))
  end)

  it("in the callbacks of string.gsub", function()
    assert.is_true(waits(function()
      assert.equal("<a>-<b>", (("a-b"):gsub("%w", function(c)
        aggr.sleep(1)
        return "<" .. c .. ">"
      end)))
    end))
    local lazy = setmetatable({}, { __index = function(_, key)
      aggr.sleep(1)
      return key:upper()
    end })
    assert.is_true(waits(function() assert.equal("A-B", (string.gsub("a-b", "%w", lazy))) end))
  end)

  it("while a module loads", function()
    package.preload.slow_module = function(name)
      aggr.sleep(1)
      return { name = name }
    end
    assert.is_true(waits(function() assert.equal("slow_module", require("slow_module").name) end))
    package.loaded.slow_module, package.preload.slow_module = nil, nil
  end)
end)

describe("string.gsub", function()
  local subjects = { "", "a", "abc", "hello world", "a.b.c", "  x  ", "aaa", "k=v, k2=v2", "THE (quick) fox" }
  local patterns = {
    "%w", "%w+", "%w*", "", "o*", "^%w", "^", "^x*", "$", "%w$", "(%w)(%w)", "()", "(%w+)=(%w+)", "()%w()", ".-", "b*",
    "%f[%w]%w+", "%b()", "(.)%1", ".", "^%s*(.-)%s*$", "[^,]*",
  }

  local function collect(gsub, s, pattern, n)
    local calls = {}
    local result, count = gsub(s, pattern, function(...)
      calls[#calls + 1] = { n = select("#", ...), ... }
      if #calls % 4 == 0 then return nil end
      if #calls % 4 == 3 then return false end
      if #calls % 4 == 2 then return 42 end
      return "<" .. tostring((...)) .. ">"
    end, n)
    return { result, count, calls }
  end

  it("gives with a function what Lua's own gives", function()
    for _, s in ipairs(subjects) do
      for _, pattern in ipairs(patterns) do
        for _, n in ipairs { -1, 0, 1, 2, 1.9, 100, false } do
          n = n or nil
          assert.same(collect(raw.string.gsub, s, pattern, n), collect(string.gsub, s, pattern, n),
            ("gsub(%q, %q, fn, %s)"):format(s, pattern, tostring(n)))
        end
      end
    end
  end)

  it("gives with a table that has a metatable what Lua's own gives", function()
    local values = setmetatable({ a = "1", b = 2, c = false }, { __index = function(_, key)
      return type(key) == "string" and #key > 2 and key:upper() or nil
    end })
    for _, s in ipairs(subjects) do
      for _, pattern in ipairs(patterns) do
        assert.same({ raw.string.gsub(s, pattern, values) }, { string.gsub(s, pattern, values) })
      end
    end
  end)

  it("leaves strings, %1, plain tables and numbers to Lua's own", function()
    assert.same({ "b-a", 1 }, { ("a-b"):gsub("(%w)-(%w)", "%2-%1") })
    assert.same({ "[a]-[b]", 2 }, { ("a-b"):gsub("%w", "[%0]") })
    assert.same({ "1-b", 2 }, { ("a-b"):gsub("%w", { a = 1 }) })
    assert.same({ "172", 1 }, { string.gsub(142, 4, 7) })
    assert.same({ "1x2", 1 }, { string.gsub(142, 4, function() return "x" end) })
  end)

  it("raises what Lua's own raises, at the caller's line", function()
    local function messages(gsub)
      local list = {}
      local function try(...)
        local args, n = { ... }, select("#", ...)
        list[#list + 1] = select(2, pcall(function() gsub(unpack(args, 1, n)) return nil end))
      end
      try("abc", "%w", function() return {} end)
      try("abc", "%w", function() return print end)
      try("abc", "%", function() end)
      try("abc", "[a", function() end)
      try("abc", "(a", function() end)
      try(nil, "a", function() end)
      try("abc", nil, function() end)
      try("abc", "a", nil)
      try("abc", "a", function() end, {})
      return list
    end
    assert.same(messages(raw.string.gsub), messages(string.gsub))
  end)

  it("recurses deep, and too deep is an ordinary error", function()
    local depth = 0
    local function recurse()
      depth = depth + 1
      if depth < 1000 then ("x"):gsub("x", recurse) end
    end
    recurse()
    assert.equal(1000, depth)
    local function forever() return (("x"):gsub("x", forever)) end
    local ok, err = pcall(forever)
    assert.is_false(ok)
    assert.matches("stack overflow", tostring(err), 1, true)
  end)

  it("Lua's own overflows as an ordinary error on our big stack", function()
    local function forever() return (raw.string.gsub("x", "x", forever)) end
    local ok, err = pcall(forever)
    assert.is_false(ok)
    assert.matches("overflow", tostring(err), 1, true)
  end)
end)

describe("require", function()
  local function with_module(source, fn)
    local dir = os.tmpname()
    os.remove(dir)
    os.execute("mkdir -p " .. dir)
    local path = package.path
    package.path = dir .. "/?.lua;" .. path
    local function write(name, text)
      local file = assert(io.open(dir .. "/" .. name .. ".lua", "wb"))
      file:write(text)
      file:close()
    end
    for name, text in pairs(source) do write(name, text) end
    _G.shared = { aggr = aggr, loads = 0 }
    local ok, err = pcall(fn)
    package.path = path
    for name in pairs(source) do package.loaded[name] = nil end
    os.execute("rm -r " .. dir)
    _G.shared = nil
    if not ok then error(err, 0) end
  end

  it("loads a module once, and a second task waits for it", function()
    with_module({
      m_slow = "shared.aggr.sleep(2) shared.loads = shared.loads + 1 return { n = shared.loads }",
    }, function()
      local began, found = aggr.now(), {}
      aggr.group(function(g)
        for i = 1, 3 do
          g:spawn(function()
            found[i] = require "m_slow"
            assert.equal(2, aggr.now() - began)
          end)
        end
      end)
      assert.equal(1, _G.shared.loads)
      assert.equal(found[1], found[2])
      assert.equal(found[1], found[3])
    end)
  end)

  it("calls a cycle a loop, within a task and among tasks", function()
    with_module({
      m_a = "shared.aggr.sleep(1) return require 'm_b'", m_b = "shared.aggr.sleep(1) return require 'm_a'",
      m_self = "return require 'm_self'",
    }, function()
      local ok, err = pcall(require, "m_self")
      assert.is_false(ok)
      assert.matches("loop or previous error loading module 'm_self'", err, 1, true)
      package.loaded.m_self = nil
      local began = aggr.now()
      aggr.group(function(g)
        local tasks = {}
        for i, name in ipairs { "m_a", "m_b" } do tasks[i] = g:spawn(pcall, require, name) end
        local first = { tasks[1]:wait() }
        local second = { tasks[2]:wait() }
        assert.is_false(first[1] and second[1])
        assert.matches("loop or previous error", tostring(first[2]) .. tostring(second[2]), 1, true)
      end)
      assert.equal(1, aggr.now() - began)
    end)
  end)

  it("calls it a loop when a module's own child task requires the module", function()
    with_module({
      m_parent = [[
        shared.aggr.group(function(g) g:spawn(function() require "m_parent" end) end)
        return 1
      ]],
    }, function()
      local ok, err = pcall(require, "m_parent")
      assert.is_false(ok)
      assert.matches("loop or previous error", tostring(err), 1, true)
    end)
  end)

  it("lets a waiting task load the module again when the first one was cancelled", function()
    with_module({ m_again = "shared.loads = shared.loads + 1 shared.aggr.sleep(3) return shared.loads" }, function()
      local value
      aggr.group(function(g)
        local first = g:spawn(require, "m_again")
        g:spawn(function() value = require "m_again" end)
        aggr.sleep(1)
        first:cancel()
      end)
      assert.equal(2, value)
    end)
  end)

  it("raises the texts of Lua's own", function()
    with_module({ m_syntax = "return return", m_error = "error('x', 0)", m_nothing = "" }, function()
      for _, name in ipairs { "m_missing", "m_syntax", "m_error" } do
        local messages = {}
        for i, fn in ipairs { require, testing.raw_require } do
          messages[i] = select(2, pcall(function() fn(name) return nil end))
          package.loaded[name] = nil
        end
        assert.equal(messages[2], messages[1])
      end
      assert.is_true(require "m_nothing")
      assert.is_false((pcall(require)))
      package.loaded.m_error = nil
      pcall(require, "m_error")
      local _, err = pcall(require, "m_error")
      assert.matches("loop or previous error", err, 1, true)
    end)
  end)

  it("honours package.preload, package.loaders and package.loaded as Lua's own", function()
    package.preload.m_pre = function() package.loaded.m_pre = "set" end
    assert.equal("set", require "m_pre")
    package.preload.m_pre, package.loaded.m_pre = nil, nil
    table.insert(package.loaders, 1, function(name)
      if name == "m_custom" then return function() return "custom" end end
      return "\n\tnot custom"
    end)
    assert.equal("custom", require "m_custom")
    local _, err = pcall(require, "m_none")
    table.remove(package.loaders, 1)
    package.loaded.m_custom = nil
    assert.matches("not custom\n", err, 1, true)
  end)

  it("does not reach the core modules", function()
    local ok, err = pcall(require, "aggr.core.task")
    assert.is_false(ok)
    assert.matches("module 'aggr.core.task' not found", err, 1, true)
    assert.is_table(require "aggr")
  end)
end)

describe("load", function()
  it("takes text only", function()
    local code = string.dump(function() return 1 end)
    for _, fn in ipairs { load, loadstring } do
      local chunk, err = fn(code)
      assert.is_nil(chunk)
      assert.is_string(err)
    end
    assert.is_nil((load(code, "x", "b")))
    assert.is_nil((load(code, "x", "bt")))
    assert.is_nil((load(function()
      local piece = code
      code = nil
      return piece
    end)))
  end)

  it("takes names and environments, and says what is wrong, as Lua's own", function()
    assert.equal(5, load("return x", "name", "t", { x = 5 })())
    assert.equal(5, load("return x", "name", nil, { x = 5 })())
    local text = "return ]"
    assert.same({ raw.load(text, "=name") }, { load(text, "=name") })
    assert.same({ raw.load(text) }, { load(text) })
    assert.same({ nil, "x" }, { load(function() error("x", 0) end) })
    assert.is_nil((load(function() return {} end)))
    assert.is_nil((load("return 1", "x", "b")))
  end)

  it("does not catch a cancellation of its reader", function()
    local ok, err = pcall(aggr.deadline, 1, function()
      load(function() aggr.sleep(5) end)
      error("went on")
    end)
    assert.is_false(ok)
    assert.equal("deadline", err.kind)
  end)
end)

describe("what the runtime keeps to itself", function()
  it("hooks and the profiler are refused to scripts", function()
    for _, fn in ipairs { debug.sethook, jit.attach } do
      local ok, err = pcall(fn, print)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
    local ok, err = pcall(require, "jit.profile")
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    package.loaded["jit.profile"] = nil
  end)
end)
