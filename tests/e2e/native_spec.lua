--- The ways past Lua, to raw memory and C: closed without --allow-ffi.
local support = require "e2e.support"

local OFF = "is off: past it neither memory nor the script's limits can be guarded (--allow-ffi)"

local function said(code, flags)
  local result = support.script(code, { flags = flags })
  assert.equal(0, result.code, result.err)
  return result.out, result.err
end

describe("ffi", function()
  it("is refused by name, each time it is asked for", function()
    local result = support.script "pcall(require, 'ffi')\nrequire 'ffi'"
    assert.equal(1, result.code)
    assert.truthy(result.err:find(":2: usage: ffi " .. OFF .. "\n", 1, true), result.err)
  end)

  it("is there under --allow-ffi and AGGR_ALLOW_FFI, which say what ends with it", function()
    local code = 'local ffi = require "ffi" return tonumber(ffi.new("int", 7)) + (package.loaded.ffi == ffi and 1 or 0)'
    local warning = "warn: ffi is allowed (--allow-ffi): "
      .. "aggr's promises of memory and safety end where the script uses it\n"
    local out, err = said(code, { "--allow-ffi" })
    assert.same({ "8\n", warning }, { out, err })
    assert.same({ "8\n", "" }, { said(code, { "--allow-ffi", "-q" }) })
    local result = support.script(code, { env = { AGGR_ALLOW_FFI = "1" } })
    assert.same({ 0, "8\n", warning }, { result.code, result.out, result.err })
    assert.truthy(support.aggr({ "help", "run" }).out:find("promises of memory and safety end there", 1, true))
  end)

  it("does not come with a literal that needs it", function()
    assert.equal("[true,true,true,\"5LL\"]\n", said [[
      local five = load("return 2LL + 3ULL - 0ULL", "x")() and load "return 2LL + 3LL"()
      local number = 1i
      return { package.loaded.ffi == nil, not pcall(require, "ffi"), number ~= nil, tostring(five) }]])
  end)

  it("cannot be had from preload, loaders or the C library that it lies in", function()
    local linked = support.command({ "ldd", support.bin }).out
    local library = linked:match("%s(/%S*libluajit%S*)")
    assert.truthy(library, linked)
    assert.equal("[]\n", said(([[
      local aggr = require "aggr"
      package.cpath = %q
      package.loaded.debug, package.loaded.jit = nil, nil
      local got = aggr.array {}
      for _, name in ipairs { "ffi", "x-ffi", "debug", "x-debug", "jit", "string-buffer" } do
        if pcall(require, name) and name ~= "string-buffer" then got[#got + 1] = "require " .. name end
        for i, loader in ipairs(package.loaders) do
          local ok, found = pcall(loader, name)
          if ok and type(found) == "function" then got[#got + 1] = name .. " from loader " .. i end
        end
      end
      if package.preload.ffi or package.loaded.ffi then got[#got + 1] = "package" end
      if pcall(package.loadlib, %q, "luaopen_ffi") then got[#got + 1] = "loadlib" end
      return got]]):format(library, library)))
  end)

  it("may be faked by a script", function()
    assert.equal('"mine"\n', said 'package.preload.ffi = function() return "mine" end return require "ffi"')
  end)
end)

describe("raw memory", function()
  it("of string.buffer is refused, its other methods work", function()
    assert.equal('["ab1",true,true,true,"b1"]\n', said [[
      local buffer = require "string.buffer"
      local text = buffer.new():put("ab", 1)
      local whole = tostring(text)
      local function refused(method)
        local ok, err = pcall(text[method], text, 1)
        return not ok and tostring(err):find("usage: string.buffer:" .. method .. " is off", 1, true) ~= nil
      end
      local kept = refused "ref" and refused "reserve"
      package.loaded["string.buffer"] = nil
      local again = require "string.buffer".new()
      return { whole, kept, not pcall(again.ref, again), text:get(1) == "a", text:get() }]])
    assert.equal("true\n", said('return (require "string.buffer".new():reserve(10)) ~= nil', { "--allow-ffi" }))
  end)
end)

describe("what belongs to the runtime", function()
  local function refused(code, text)
    local result = support.script(code)
    assert.equal(1, result.code)
    assert.truthy(result.err:find(":1: usage: " .. text, 1, true), result.err)
  end

  it("is refused to scripts, with a reason and a way out", function()
    refused("debug.sethook(print, 'l')", "debug.sethook is not for scripts: the runtime needs the only hook there is (")
    refused("debug.getregistry()", "debug.getregistry is not for scripts: it holds what the runtime works with (")
    refused("jit.attach(print)", "jit.attach is not for scripts: the runtime watches the compiler itself (")
    refused("pcall(require, 'jit.profile') require 'jit.profile'", "jit.profile is not for scripts: the runtime needs")
    refused("require 'jit.util'.funck(print, -1)", "jit.util.funck is not for scripts: ")
    refused("require 'jit.util'.tracek(1, 1)", "jit.util.tracek is not for scripts: ")
    refused("setfenv(require 'aggr'.sleep, {})", "setfenv cannot change functions of aggr or of C (only your own)")
    refused("debug.setmetatable('', {})", "debug.setmetatable: the metatable of a string is the runtime's too")
  end)

  it("is not what looks at a script and its code", function()
    assert.equal("[true,true,true,true,true]\n", said [[
      local util = require "jit.util"
      jit.flush() jit.off() jit.on()
      local function f() return 1 end
      return { util.funcinfo(f).linedefined == 3, util.funcinfo(f).proto == nil, util.funcbc(f, 1) ~= nil,
        debug.traceback():find("in main chunk", 1, true) ~= nil, debug.gethook() == nil }]])
  end)

  it("still works when a script has done its worst with debug", function()
    assert.equal('["b","a"]\n', said [[
      local aggr = require "aggr"
      local places = {}
      local function tamper(...)
        for _, name in ipairs { "getupvalue", "setupvalue", "setfenv", "getfenv", "upvalueid", "getinfo" } do
          places[#places + 1] = select(2, pcall(debug[name], ...))
        end
        pcall(setfenv, ...)
        pcall(debug.upvaluejoin, ..., 1, tamper, 1)
      end
      for level = 0, 40 do
        tamper(level, 1, {})
        for index = -3, 30 do
          local ok, name, value = pcall(debug.getlocal, level, index)
          pcall(debug.setlocal, level, index, ok and name and name:sub(1, 1) ~= "(" and value or nil)
        end
      end
      for _, library in pairs { aggr, string, table, math, coroutine, debug, jit, package.loaders, _G } do
        for name, value in pairs(library) do
          if type(value) == "function" and name ~= "tamper" then for i = 1, 3 do tamper(value, i, {}) end end
        end
      end
      aggr.group(function(g) tamper(g.spawn, 1, {}) g:spawn(aggr.sleep, 0) end)
      return aggr.map({ 2, 1 }, function(n) aggr.sleep(n / 1000) return ("ab"):sub(n, n) end)]])
  end)
end)
