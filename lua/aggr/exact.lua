--- aggr.exact: integers beyond 2^53, as JSON texts may hold them, with all their digits.
--
-- A double would change their last digits, and they are identifiers nearly always. So they are values
-- of their own: cdata without fields or memory behind it, one per integer (equal ones are the same
-- object, also as a table's key), which compare with numbers and join with strings. What would need a
-- double raises kind `usage` and names the way out. Nothing is kept of one that nobody holds.
local errors = require "aggr.errors"
local ffi = require "ffi"

local exact = {}

local TWO_53 = 2 ^ 53
local INFINITY = ("9"):rep(2 ^ 16 + 1) -- no integer of a text is so long
local NEGATIVE_INFINITY = "-" .. INFINITY
--- Value → its digits, for the core as well.
exact.digits = setmetatable({}, { __mode = "k" })
local digits = exact.digits
local values = setmetatable({}, { __mode = "v" }) -- digits → the value

--- A number's, cdata's or large integer's digits; for a number up to 2^53, which every large integer is
--- beyond, only its sign counts. Nil: it cannot be compared.
local function comparable(x)
  local kind = type(x)
  if kind == "number" then
    if x ~= x then return nil end
    if x >= -TWO_53 and x <= TWO_53 then return x < 0 and "-0" or "0" end
    if x - x ~= 0 then return x < 0 and NEGATIVE_INFINITY or INFINITY end
    return ("%.0f"):format(x)
  end
  return digits[x] or kind == "cdata" and tostring(x):match("^(%-?%d+)U?LL$") or nil
end

--- Below, equal to or above 0, as a is to b; both are digits without leading zeros.
local function compare(a, b)
  if a == b then return 0 end
  local sign = a:byte() == 45 and -1 or 1
  if (b:byte() == 45) ~= (sign < 0) then return sign end
  if #a ~= #b then return #a < #b and -sign or sign end
  return a < b and -sign or sign
end

local function shown(x) return digits[x] or errors.show(x) end

local meta = {}

function meta.__tostring(self) return digits[self] end

function meta.__eq(a, b)
  local left, right = comparable(a), comparable(b)
  return left ~= nil and left == right
end

--- Nothing for NaN, which is in no order.
local function check_order(x, other)
  if type(x) == "number" or comparable(x) then return end
  errors.usage(1, "attempt to compare the integer %s with %s", shown(other), errors.show(x))
end

local function order(a, b)
  local left, right = comparable(a), comparable(b)
  if left and right then return compare(left, right) end
  check_order(a, b)
  check_order(b, a)
end

function meta.__lt(a, b)
  local difference = order(a, b)
  return difference ~= nil and difference < 0
end

function meta.__le(a, b)
  local difference = order(a, b)
  return difference ~= nil and difference <= 0
end

local function check_text(x)
  if type(x) ~= "string" and type(x) ~= "number" and not digits[x] then
    errors.usage(1, "attempt to concatenate %s", errors.show(x))
  end
end

function meta.__concat(a, b)
  check_text(a)
  check_text(b)
  return (digits[a] or a) .. (digits[b] or b)
end

local function is_own(x) return type(x) == "cdata" and digits[x] end

local function no_arithmetic(a, b)
  errors.usage(1, "no arithmetic with the integer %s, which a double does not hold: it compares, joins and "
    .. "prints (bigint = 'number' decodes it to the nearest double)", is_own(a) or is_own(b))
end

for _, name in ipairs { "add", "sub", "mul", "div", "mod", "pow", "unm" } do meta["__" .. name] = no_arithmetic end

local function no_table(self)
  errors.usage(1, "the integer %s has neither fields nor length", digits[self])
end

meta.__index, meta.__newindex, meta.__len = no_table, no_table, no_table

function meta.__call(self)
  errors.usage(1, "attempt to call the integer %s", digits[self])
end

local new = ffi.metatype("struct {}", meta)

--- The integer that `text` says: decimal digits, perhaps behind a minus, no leading zeros, beyond 2^53.
---@param text string
---@return any
function exact.of(text)
  local value = values[text]
  if not value then
    value = new()
    digits[value], values[text] = text, value
  end
  return value
end

return exact
