--- prelude.debug: debug, getfenv and setfenv as scripts get them: they see into functions of their own only.
--
-- Functions of the library and of C have no locals, upvalues or environment of their own to them, and are
-- not handed out from the stack: behind them lie scheduler and core modules, and what C has checked once
-- must stay as it was. Traces, names, files and lines are shown as ever. Where levels count, a shim ends in a
-- tail call of Lua's own, which then stands in its place.
local errors = require "aggr.errors"
local finalizer = require "prelude.finalizer"

local is_library = errors.is_library
local running = coroutine.running
local raw = {}
for name, fn in pairs(debug) do raw[name] = fn end
raw.base_getfenv, raw.base_setfenv = getfenv, setfenv

local globals = script -- luacheck: ignore (the scripts' _G)

local shim = {}

local NOWHERE = -1 -- a level that nothing has

local function refuse(name)
  errors.usage(1, "%s cannot change functions of aggr or of C (only your own)", name)
end

local function normal(thread, subject, ...)
  if thread == running() then thread = nil end
  local level = type(subject) ~= "function" and tonumber(subject)
  if level then subject = level >= 0 and level < 2 ^ 31 and math.floor(level) or NOWHERE end
  return thread, subject, ...
end

--- What a shim was given, ([thread,] function | level, ...), with nil for no other thread and whole levels.
local function arguments(...)
  if type((...)) == "thread" then return normal(...) end
  return normal(nil, ...)
end

--- Is the function meant closed to scripts? `depth` functions stand between this one and the script.
local function is_closed(thread, subject, depth)
  if type(subject) == "function" then return is_library(subject) end
  if type(subject) ~= "number" or subject == NOWHERE then return false end
  local info
  if thread then
    info = raw.getinfo(thread, subject, "f")
  else
    info = raw.getinfo(subject + depth + 1, "f")
  end
  return info ~= nil and is_library(info.func)
end

--- Without `func` when a level has found a function of the library or of C.
function shim.getinfo(...)
  local thread, subject, what = arguments(...)
  if what ~= nil and (type(what) ~= "string" or what:find("[^SlnufL]")) then
    error("bad argument to 'getinfo' (invalid option)", 2)
  end
  if type(subject) ~= "number" then return raw.getinfo(...) end
  local info
  if thread then
    info = raw.getinfo(thread, subject, what)
  else
    info = raw.getinfo(subject == NOWHERE and NOWHERE or subject + 1, what)
  end
  if info and info.func and is_library(info.func) then info.func = nil end
  return info
end

function shim.getlocal(...)
  local thread, subject, index = arguments(...)
  if is_closed(thread, subject, 1) then return nil end
  if thread then return raw.getlocal(thread, subject, index) end
  return raw.getlocal(subject, index)
end

--- The name that setlocal would change, nil when it will find out itself that there is none.
local function name_of_local(thread, level, index)
  if type(level) ~= "number" or type(index) ~= "number" then return nil end
  local ok, name
  if thread then
    ok, name = pcall(raw.getlocal, thread, level, index)
  else
    ok, name = pcall(raw.getlocal, level + 3, index) -- under pcall, this function and the shim
  end
  return ok and name
end

--- Only locals with a name: loops rely on what their own ones hold.
function shim.setlocal(...)
  local thread, level, index, value = arguments(...)
  index = tonumber(index) or index
  if is_closed(thread, level, 1) then refuse "debug.setlocal" end
  local name = name_of_local(thread, level, index)
  if name and name:sub(1, 1) == "(" then errors.usage(1, "debug.setlocal changes locals that have a name") end
  if thread then return raw.setlocal(thread, level, index, value) end
  return raw.setlocal(level, index, value)
end

for _, name in ipairs { "getupvalue", "upvalueid" } do
  shim[name] = function(fn, ...)
    if type(fn) == "function" and is_library(fn) then return nil end
    return raw[name](fn, ...)
  end
end

function shim.setupvalue(fn, ...)
  if type(fn) == "function" and is_library(fn) then refuse "debug.setupvalue" end
  return raw.setupvalue(fn, ...)
end

function shim.upvaluejoin(fn, index, other, ...)
  for _, value in pairs { fn, other } do
    if type(value) == "function" and is_library(value) then refuse "debug.upvaluejoin" end
  end
  return raw.upvaluejoin(fn, index, other, ...)
end

function shim.getfenv(object)
  if type(object) == "function" and is_library(object) then return globals end
  return raw.getfenv(object)
end

function shim.setfenv(object, ...)
  if type(object) == "function" and is_library(object) then refuse "debug.setfenv" end
  return raw.setfenv(object, ...)
end

--- Strings have one metatable for all, and so do the numbers of 64 bits.
function shim.getmetatable(value)
  if type(value) == "string" or type(value) == "cdata" then return getmetatable(value) end
  return raw.getmetatable(value)
end

function shim.setmetatable(value, meta)
  if type(value) == "string" or type(value) == "cdata" then
    errors.usage(1, "debug.setmetatable: the metatable of a %s is the runtime's too", type(value))
  end
  if type(value) == "userdata" and type(meta) == "table" then finalizer.guard_metatable(meta) end
  return raw.setmetatable(value, meta)
end

local function base_getfenv(...)
  local _, subject = arguments(...)
  if subject == nil then subject = 1 end
  if subject ~= 0 and is_closed(nil, subject, 1) then return globals end
  return raw.base_getfenv(subject)
end

local function base_setfenv(...)
  local _, subject, environment = arguments(...)
  if subject ~= 0 and is_closed(nil, subject, 1) then refuse "setfenv" end
  return raw.base_setfenv(subject, environment)
end

function shim.install(script)
  script.getfenv, script.setfenv = base_getfenv, base_setfenv
  for _, name in ipairs { "getinfo", "getlocal", "setlocal", "getupvalue", "upvalueid", "setupvalue",
    "upvaluejoin", "getfenv", "setfenv", "getmetatable", "setmetatable" } do
    script.debug[name] = shim[name]
  end
end

return shim
