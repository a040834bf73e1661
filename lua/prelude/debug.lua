--- prelude.debug: debug, getfenv and setfenv as scripts get them: they see into functions of their own only.
--
-- Functions of the library and of C have no locals, upvalues or environment of their own to them, and are
-- not handed out from the stack: behind them lie scheduler and core modules, and what C has checked once
-- must stay as it was. Traces, names, files and lines are shown as ever.
local errors = require "aggr.errors"

local is_library = errors.is_library
local running = coroutine.running
local raw = {}
for name, fn in pairs(debug) do raw[name] = fn end
raw.base_getfenv, raw.base_setfenv = getfenv, setfenv

local globals = script -- luacheck: ignore (the scripts' _G)

local shim = {}

local function refuse(name)
  errors.usage(1, "%s cannot change functions of aggr or of C (only your own)", name)
end

--- The function that a shim's arguments ([thread,] function | level) mean, if it is closed to scripts. From the
-- shim itself, which passes its arguments on by a tail call: so levels mean the same to both.
local function closed(thread, subject)
  if type(thread) ~= "thread" then thread, subject = nil, thread end
  if type(subject) == "function" then return is_library(subject) end
  local level = tonumber(subject)
  if not level or level < 0 then return false end
  local info
  if thread and thread ~= running() then
    info = raw.getinfo(thread, level, "f")
  else
    info = raw.getinfo(level + (thread and 1 or 2), "f")
  end
  return info ~= nil and is_library(info.func)
end

--- Without `func` when a level has found a function of the library or of C. Bad arguments are Lua's to refuse.
function shim.getinfo(thread, subject, what)
  if type(thread) ~= "thread" then thread, subject, what = nil, thread, subject end
  if type(what) == "string" and what:find(">", 1, true) then what = "?" end -- would pop what is on the stack
  local level = tonumber(subject)
  if not level then return raw.getinfo(subject, what) end
  local info
  if thread and thread ~= running() then
    info = raw.getinfo(thread, level, what)
  else
    info = raw.getinfo(level + 1, what)
  end
  if info and info.func and is_library(info.func) then info.func = nil end
  return info
end

function shim.getlocal(...)
  if closed(...) then return nil end
  return raw.getlocal(...)
end

--- Only locals with a name: loops rely on what their own ones hold.
function shim.setlocal(...)
  if closed(...) then refuse "debug.setlocal" end
  local thread, level, index = ...
  local name
  if type(thread) ~= "thread" then
    name = raw.getlocal(thread + 1, level)
  else
    name = raw.getlocal(thread, level, index)
  end
  if name and name:sub(1, 1) == "(" then errors.usage(1, "debug.setlocal changes locals that have a name") end
  return raw.setlocal(...)
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
function shim.setmetatable(value, ...)
  if type(value) == "string" or type(value) == "cdata" then
    errors.usage(1, "debug.setmetatable: the metatable of a %s is the runtime's too", type(value))
  end
  return raw.setmetatable(value, ...)
end

local function base_getfenv(...)
  local subject = ...
  if subject == nil then subject = 1 end
  if subject ~= 0 and closed(subject) then return globals end
  return raw.base_getfenv(...)
end

local function base_setfenv(subject, ...)
  if subject ~= 0 and closed(subject) then refuse "setfenv" end
  return raw.base_setfenv(subject, ...)
end

function shim.install(script)
  script.getfenv, script.setfenv = base_getfenv, base_setfenv
  for _, name in ipairs { "getinfo", "getlocal", "setlocal", "getupvalue", "upvalueid", "setupvalue",
    "upvaluejoin", "getfenv", "setfenv", "setmetatable" } do
    script.debug[name] = shim[name]
  end
end

return shim
