--- prelude.naming: whether code uses a global by its name, or a field of that name.
--
-- `name` and `_G.name` both end in _G; LuaJIT tells its metatable neither which it was nor the instruction,
-- only the line. So the line's instructions are looked through.
local util = require "jit.util"

local naming = {}

-- function -> name -> lines that use a field of that name, for loops
local asked = setmetatable({}, { __mode = "k" })

local function operation_of(fn, pc)
  return bit.band((util.funcbc(fn, pc)), 0xff)
end

--- Operations by what compiles to them: by_name has operands A D, as_field A B C; the constant is D or C.
naming.READ = {
  by_name = operation_of(function() return _G end, 1),
  as_field = operation_of(function(t) return t.name end, 1),
}
naming.WRITE = {
  by_name = operation_of(function() name = 1 end, 2), -- luacheck: ignore (never called)
  as_field = operation_of(function(t) t.name = 1 end, 2),
}

--- Is there an instruction on that line of the function that uses `name` by its name, and none that uses a field?
local function is_by_name(fn, line, operations, name)
  local found = false
  for pc = 1, util.funcinfo(fn).bytecodes - 1 do
    local instruction = util.funcbc(fn, pc)
    local operation, constant = bit.band(instruction, 0xff), nil
    if operation == operations.by_name then
      constant = bit.rshift(instruction, 16)
    elseif operation == operations.as_field then
      constant = bit.band(bit.rshift(instruction, 16), 0xff)
    end
    if constant and util.funck(fn, -constant - 1) == name and util.funcinfo(fn, pc).currentline == line then
      if operation == operations.as_field then return false end
      found = true
    end
  end
  return found
end

--- Does this frame of the script use the global by its name? Other uses are remembered, for loops.
---@param info table of the frame, from debug.getinfo with "l" and "f"
---@param operations table naming.READ or naming.WRITE
---@param name string
---@return boolean
function naming.is_global(info, operations, name)
  local fn, line = info.func, info.currentline
  local names = asked[fn]
  if names and names[name] and names[name][line] then return false end
  if is_by_name(fn, line, operations, name) then return true end
  if not names then
    names = {}
    asked[fn] = names
  end
  names[name] = names[name] or {}
  names[name][line] = true
  return false
end

return naming
