--- prelude.blocked: the error for a wait where Lua cannot yield, with the place's name and the way out (R27).
local errors = require "aggr.errors"

local blocked = {}

local names = {}    -- C function -> its name in scripts
local handlers = setmetatable({}, { __mode = "k" }) -- functions that scripts gave to xpcall as handlers
local in_handler -- the last error of a wait in such a handler, until its xpcall has ended

local WAY_OUT = {
  ["table.sort"] = "fetch what the comparison needs before sorting",
  ["print"] = "__tostring must answer at once: fetch before it is called",
  ["string.format"] = "__tostring must answer at once: fetch before it is called",
}

--- Calls that a yield passes, or that only lead to the place itself.
local TRANSPARENT = { pcall = true, xpcall = true, error = true, assert = true }

local function learn(prefix, library)
  for name, value in pairs(library) do
    if type(value) == "function" and type(name) == "string" and not TRANSPARENT[name] then
      names[value] = prefix .. name
    end
  end
end

--- Remember a script's error handler: nothing in it may wait.
function blocked.handler(fn)
  handlers[fn] = true
end

--- The innermost place on the running coroutine's stack that a yield cannot leave.
local function place()
  local level = 3
  while true do
    local info = debug.getinfo(level, "fS")
    if not info then return nil end
    if info.what == "C" and names[info.func] then return names[info.func] end
    if handlers[info.func] then return "an xpcall handler" end
    level = level + 1
  end
end

--- What a wait in an error handler failed with, once: Lua itself only says "error in error handling".
function blocked.take_handler_error()
  local err = in_handler
  in_handler = nil
  return err
end

---@return aggr.Error kind usage, about the innermost place that cannot yield
function blocked.error()
  local name = place()
  local message, hint
  if name then
    message = ("cannot wait inside %s"):format(name)
    hint = WAY_OUT[name] or (name == "an xpcall handler" and "handle the error after xpcall has returned")
      or "do the waiting before or after the call"
  else
    message = "cannot wait inside a finalizer or a function called from C"
    hint = "do the waiting outside of it"
  end
  local err = errors.new("usage", message .. ": " .. hint, { hint = hint })
  err.where = errors.where()
  if name == "an xpcall handler" then in_handler = err end
  return err
end

function blocked.raise()
  error(blocked.error(), 0)
end

function blocked.install(script)
  learn("", script)
  for _, name in ipairs { "string", "table", "math", "io", "os", "debug", "package", "bit", "jit" } do
    if type(script[name]) == "table" then learn(name .. ".", script[name]) end
  end
end

return blocked
