--- aggr.tail: where a function made its tail call.
--
-- `return aggr.fetch(…)` leaves no frame of the caller behind. When the caller is known and has
-- only one tail call, that is the line.
local errors = require "aggr.errors"
local util = require "jit.util"

local tail = {}

--- The last instruction of a function that does nothing but call.
local function last_operation(fn)
  return bit.band((util.funcbc(fn, util.funcinfo(fn).bytecodes - 1)), 0xff)
end

local CALLS = {
  [last_operation(function(f) return f() end)] = true,
  [last_operation(function(f, ...) return f(...) end)] = true,
}

--- "file:line", the file alone when there are several tail calls, nil when there is none or the
--- function is the library's.
---@param fn function
---@return string?
function tail.place(fn)
  local info = util.funcinfo(fn)
  if not info.bytecodes or errors.is_library(fn) then return nil end
  local line, count = nil, 0
  for pc = 1, info.bytecodes - 1 do
    if CALLS[bit.band((util.funcbc(fn, pc)), 0xff)] then
      local here = util.funcinfo(fn, pc).currentline
      if here ~= line then line, count = here, count + 1 end
    end
  end
  if count == 0 then return nil end
  local name = info.source:gsub("^[@=]", "")
  return count == 1 and name .. ":" .. line or name
end

--- "file:line" where a function begins; of a whole file, the file.
---@param fn function
---@return string
function tail.definition(fn)
  local info = debug.getinfo(fn, "S")
  local name = info.source:match("^[@=](.*)") or info.short_src
  return info.linedefined > 0 and name .. ":" .. info.linedefined or name
end

--- The innermost body of a task whose function is the script's, or nil.
---@param me table the task
---@return table? body
function tail.body(me)
  local at = me.body
  while at and at.fn and errors.is_library(at.fn) do at = at.up end
  return at and at.fn and at or nil
end

return tail
