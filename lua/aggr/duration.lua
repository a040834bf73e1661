--- aggr.duration: seconds from what people write.
local errors = require "aggr.errors"

local duration = {}

local UNIT = { ms = 1e-3, s = 1, m = 60, h = 3600 }
local LONGEST = 1e9 -- 31 years; its nanoseconds still fit the runtime's clock

--- Seconds of any number or "200ms" "2s" "5m" "1h"; nil when it is neither.
---@return number?
local function parse(value)
  if type(value) == "number" then return value end
  if type(value) ~= "string" then return nil end
  local amount, unit = value:match("^(%d+%.?%d*)(%a+)$")
  if not amount or not UNIT[unit] then return nil end
  return tonumber(amount) * UNIT[unit]
end

local function refuse(value, what)
  errors.usage(1, "%s must be a duration such as 2 or '200ms', got %s", what, errors.show(value))
end

--- Seconds, more than 0. Raises kind `usage` for anything else.
---@param value number|string
---@param what string names the option in the message
---@return number seconds
function duration.seconds(value, what)
  local seconds = parse(value)
  if not seconds or seconds ~= seconds then refuse(value, what) end
  if seconds <= 0 then
    errors.usage(1, "%s must be more than 0, got %s", what, errors.show(value))
  end
  if seconds == math.huge then refuse(value, what) end
  return seconds < LONGEST and seconds or LONGEST
end

--- As `seconds`, but `false` stands for "no limit" and is handed through.
---@param value number|string|false
---@param what string
---@return number|false
function duration.limit(value, what)
  if value == false then return false end
  if value == 0 then errors.usage(1, "%s must be more than 0 (false switches it off)", what) end
  return duration.seconds(value, what)
end

--- Seconds from now for deadlines and sleeps: zero and less are allowed and mean "at once".
---@param value number|string
---@param what string
---@return number seconds
function duration.from_now(value, what)
  local seconds = parse(value)
  if not seconds or seconds ~= seconds or seconds == math.huge then refuse(value, what) end
  return seconds < LONGEST and seconds or LONGEST
end

return duration
