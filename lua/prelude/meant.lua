--- prelude.meant: what someone may have meant by the name of a global that is not there.
local options = require "aggr.options"

local getinfo, getlocal, getupvalue = debug.getinfo, debug.getlocal, debug.getupvalue

local globals = script -- luacheck: ignore (the scripts' _G)

local meant = {}

local TOPMOST = 200 -- as many locals as a function can have

--- Names that a frame can see besides `name`, as a set.
---@param name string
---@param declared table<string, any> globals that may hold nil
---@param level integer of the frame, to the caller
---@return table<string, true>
function meant.visible(name, declared, level)
  local names = {}
  for global in next, globals do names[global] = true end
  for global in pairs(declared) do names[global] = true end
  for i = 1, TOPMOST do
    local seen = getlocal(level + 1, i)
    if not seen then break end
    if seen:sub(1, 1) ~= "(" then names[seen] = true end -- what loops and expressions keep has no name
  end
  local fn = getinfo(level + 1, "f").func
  for i = 1, TOPMOST do
    local seen = getupvalue(fn, i)
    if not seen then break end
    names[seen] = true
  end
  names[name] = nil
  return names
end

--- ", did you mean 'aggr.fetch'?" for a name that is in a library, ", did you mean 'print'?" or "".
---@param name string
---@param names table<string, any>
---@return string
function meant.suggestion(name, names)
  if name == "aggr" then return "" end
  if rawget(require "aggr", name) ~= nil then return (", did you mean 'aggr.%s'?"):format(name) end
  for _, library in ipairs { "string", "table", "math", "io", "os" } do
    local holder = rawget(globals, library)
    if type(holder) == "table" and rawget(holder, name) ~= nil then
      return (", did you mean '%s.%s'?"):format(library, name)
    end
  end
  return options.hint(name, names)
end

--- The way out where nothing is suggested.
---@param name string
---@return string
function meant.hint(name)
  if name == "aggr" then return 'scripts begin with: local aggr = require "aggr"' end
  return ("_G.%s asks whether there is one; an assignment outside of functions declares it"):format(name)
end

return meant
