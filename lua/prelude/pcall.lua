--- prelude.pcall: pcall and xpcall that do not catch a cancellation (R11).
local core = require "aggr.core.task"
local blocked = require "prelude.blocked"

local CANCEL = core.CANCEL
local raw_pcall, raw_xpcall = pcall, xpcall

local shim = {}

local function after(ok, ...)
  if not ok and (...) == CANCEL then error(CANCEL, 0) end
  return ok, ...
end

function shim.pcall(...)
  if select("#", ...) == 0 then return raw_pcall() end -- raises
  return after(raw_pcall(...))
end

local function after_handler(ok, ...)
  local refused = blocked.take_handler_error()
  if refused and not ok and (...) == "error in error handling" then return false, refused end
  return after(ok, ...)
end

function shim.xpcall(fn, handler, ...)
  if type(handler) ~= "function" then return raw_xpcall(fn, handler, ...) end
  blocked.handler(handler)
  return after_handler(raw_xpcall(fn, function(err)
    if err == CANCEL then return err end
    return handler(err)
  end, ...))
end

function shim.install(script)
  script.pcall, script.xpcall = shim.pcall, shim.xpcall
end

return shim
