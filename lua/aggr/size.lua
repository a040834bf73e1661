--- aggr.size: bytes from what people write.
local errors = require "aggr.errors"

local size = {}

local UNIT = {
  B = 1, KiB = 2 ^ 10, MiB = 2 ^ 20, GiB = 2 ^ 30, KB = 1e3, kB = 1e3, MB = 1e6, GB = 1e9,
}
local LARGEST = 2 ^ 53

--- Bytes as a whole number, more than 0. Accepts 65536, "64KiB", "10MiB"; raises kind `usage`.
---@param value number|string
---@param what string names the option in the message
---@return integer
function size.bytes(value, what)
  local bytes
  if type(value) == "number" then
    bytes = value
  elseif type(value) == "string" then
    local amount, unit = value:match("^(%d+%.?%d*)%s?(%a+)$")
    bytes = amount and UNIT[unit] and math.floor(tonumber(amount) * UNIT[unit])
  end
  if not bytes or bytes ~= bytes or bytes < 1 or bytes > LARGEST or bytes % 1 ~= 0 then
    errors.usage(1, "%s must be a size such as 65536 or '64KiB', got %s", what, errors.show(value))
  end
  return bytes
end

return size
