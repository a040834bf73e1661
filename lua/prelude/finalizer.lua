--- prelude.finalizer: finalizers whose errors go to the log.
--
-- LuaJIT raises the error of a finalizer at whatever asked for memory: a task that has nothing to do
-- with it, or the library between two steps that belong together. So those that scripts set are
-- called protected. Only the first error is told.
local core = require "aggr.core.task"
local errors = require "aggr.errors"
local warn = require "aggr.warn"

local CANCEL = core.CANCEL
local raw_newproxy = newproxy
local finalize = require("aggr.core.guard").finalize

local shim = {}

local function guarded(fn)
  if type(fn) ~= "function" then return fn end
  return function(object)
    local ok, err = finalize(fn, object)
    if not ok and err ~= CANCEL then
      warn.once("finalizer", "a finalizer failed: " .. tostring(errors.wrap(err)))
    end
  end
end

--- The metatable of the metatables that newproxy makes.
local watching = {
  __newindex = function(meta, name, value)
    if name == "__gc" then value = guarded(value) end
    rawset(meta, name, value)
  end,
}

--- Guards the finalizer in a metatable that a script gives to userdata, and those it puts there later.
---@param meta table
function shim.guard_metatable(meta)
  local fn = rawget(meta, "__gc")
  if type(fn) == "function" and not errors.is_library(fn) then rawset(meta, "__gc", guarded(fn)) end
  if getmetatable(meta) == nil then setmetatable(meta, watching) end
end

function shim.newproxy(...)
  local proxy = raw_newproxy(...)
  if (...) == true then shim.guard_metatable(getmetatable(proxy)) end
  return proxy
end

--- Guards the finalizers that are set through LuaJIT's ffi module from now on.
function shim.guard_ffi(ffi)
  local gc, metatype = ffi.gc, ffi.metatype
  function ffi.gc(cdata, finalizer) return gc(cdata, guarded(finalizer)) end
  function ffi.metatype(ctype, meta)
    if type(meta) == "table" then meta.__gc = guarded(meta.__gc) end
    return metatype(ctype, meta)
  end
end

function shim.install(script)
  script.newproxy = shim.newproxy
end

return shim
