--- debug, getfenv and setfenv as scripts get them: Lua's own for functions of their own, closed for all others.
local aggr = require "aggr"
local testing = require "aggr.testing"

local originals = testing.originals
local globals = getfenv(0)

local function usage(text, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.equal("usage", type(err) == "table" and err.kind, tostring(err))
  assert.truthy(err.message:find(text, 1, true), err.message)
end

--- What a Lua's own and the shim answer in the same place.
local function both(name, ...)
  local own = { pcall(originals.debug[name], ...) }
  return own, { pcall(debug[name], ...) }
end

describe("debug in functions of a script's own", function()
  it("answers levels, threads and functions as Lua's own", function()
    local here = "kept"
    local co = coroutine.create(function(a) local b = a coroutine.yield(b) end)
    coroutine.resume(co, 5)
    local function inner()
      local line = debug.getinfo(1, "l").currentline
      assert.equal(line, originals.debug.getinfo(1, "l").currentline - 1)
      assert.equal(inner, debug.getinfo(1, "f").func)
      local found
      for i = 1, 100 do
        local name, value = debug.getlocal(2, i)
        if name == "here" then found = value end
      end
      return found
    end
    assert.equal(here, (inner()))
    local function own()
      local mine = debug.getinfo(coroutine.running(), 1, "f").func
      return mine, debug.getlocal(coroutine.running(), 1, 1)
    end
    assert.same({ own, "mine", own }, { coroutine.wrap(own)() })
    assert.same({ "b", 5 }, { debug.getlocal(co, 1, 2) })
    assert.same({ originals.debug.getinfo(co, 1, "Sl") }, { debug.getinfo(co, 1, "Sl") })
    for _, given in ipairs { { co, 1, 1 }, { co, "1", 1 }, { inner, 1 }, { 200, 1 }, { co, 200, 1 }, { -1, 1 },
      { {}, 1 } } do
      assert.same(both("getlocal", unpack(given)))
    end
    for _, given in ipairs { { inner }, { inner, "S" }, { co, 1, "S" }, { 200 }, { -1 }, { co, 200 }, { {} } } do
      assert.same(both("getinfo", unpack(given)))
    end
    assert.is_nil(debug.getinfo(1e300))
  end)

  it("changes locals, upvalues and environments", function()
    local up, other = 1, 2
    local function f() return up end
    local function g() return other end
    jit.off(f) -- compiled, it may keep the upvalue that it was compiled for
    assert.same({ "up", 1 }, { debug.getupvalue(f, 1) })
    assert.equal("up", debug.setupvalue(f, 1, 3))
    assert.equal(3, f())
    assert.is_false(debug.upvalueid(f, 1) == debug.upvalueid(g, 1))
    debug.upvaluejoin(f, 1, g, 1)
    assert.equal(2, f())
    local function h()
      local mine = 1
      assert.equal("mine", debug.setlocal(1, 1, 5))
      return mine
    end
    assert.equal(5, h())
    local function env() return getfenv(1), getfenv(), setfenv(1, { x = 4 }) end
    local first, second = env()
    assert.equal(first, second)
    assert.same({ x = 4 }, getfenv(env))
    assert.equal(globals, getfenv(0))
    assert.equal(debug.getfenv(env), getfenv(env))
    setfenv(0, globals)
  end)

  it("leaves what loops hold to them", function()
    local co = coroutine.create(function()
      for _ in pairs { 1 } do
        for _ = 1, 2 do coroutine.yield() end
      end
    end)
    coroutine.resume(co)
    local refused = 0
    for i = 1, 20 do
      local name = debug.getlocal(co, 1, i)
      if name and name:sub(1, 1) == "(" then
        usage("changes locals that have a name", debug.setlocal, co, 1, i, 5)
        refused = refused + 1
      end
    end
    assert.truthy(refused >= 6, refused)
  end)

  it("refuses options that would take from the stack of another coroutine", function()
    local co = coroutine.create(function() end)
    assert.is_false((pcall(debug.getinfo, co, 0, ">f")))
    assert.is_true(coroutine.resume(co))
  end)
end)

describe("debug in functions of aggr and of C", function()
  local C = string.gmatch("x", ".")

  it("finds no locals, upvalues or environment", function()
    for _, fn in ipairs { aggr.fetch, aggr.sleep, C, coroutine.wrap(print), pcall } do
      assert.is_nil(debug.getupvalue(fn, 1))
      assert.is_nil(debug.upvalueid(fn, 1))
      assert.equal(globals, debug.getfenv(fn))
      assert.equal(globals, getfenv(fn))
    end
    local seen, closed = 0, 0
    aggr.group(function(g)
      g:spawn(function()
        for level = 0, 30 do
          local info = debug.getinfo(level, "Sf")
          if not info then break end
          seen = seen + 1
          if info.what == "C" or info.source:find("^=%(aggr%)") then
            closed = closed + 1
            assert.is_nil(info.func)
            assert.is_nil(debug.getlocal(level, 1))
            assert.equal(globals, level == 0 and globals or getfenv(level))
          end
        end
      end)
    end)
    assert.truthy(closed >= 3 and seen > closed, closed)
  end)

  it("finds none on the stack of a coroutine that waits", function()
    local co
    aggr.group(function(g)
      g:spawn(function()
        co = coroutine.create(function() aggr.sleep(1) end)
        coroutine.resume(co)
      end)
      aggr.sleep(0.5)
      local libraries = 0
      for level = 0, 10 do
        local info = debug.getinfo(co, level, "Sf")
        if info and info.source:find("^=%(aggr%)") then
          libraries = libraries + 1
          assert.is_nil(info.func)
          assert.is_nil(debug.getlocal(co, level, 1))
          usage("debug.setlocal cannot change", debug.setlocal, co, level, 1, 1)
        end
      end
      assert.truthy(libraries > 0)
    end)
  end)

  it("changes nothing", function()
    local mine = 1
    local function own() return mine end
    for _, fn in ipairs { aggr.fetch, C } do
      usage("debug.setupvalue cannot change", debug.setupvalue, fn, 1, 5)
      usage("debug.upvaluejoin cannot change", debug.upvaluejoin, fn, 1, own, 1)
      usage("debug.upvaluejoin cannot change", debug.upvaluejoin, own, 1, fn, 1)
      usage("debug.setfenv cannot change", debug.setfenv, fn, {})
      usage("setfenv cannot change", setfenv, fn, {})
    end
    usage("debug.setlocal cannot change", function()
      table.sort({ 2, 1 }, function(a, b)
        debug.setlocal(2, 1, {})
        return a < b
      end)
    end)
    usage("setfenv cannot change", function() setfenv(2, {}) end) -- pcall
    usage("the metatable of a string", debug.setmetatable, "", {})
    usage("the metatable of a cdata", debug.setmetatable, 1LL, {})
  end)
end)
