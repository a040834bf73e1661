--- aggr.need: what the caller of a collect call can't do without (`need = true | n | { keys }`).
--
-- Counts losses. A loss is a source that ended without a value and has no fallback.
local errors = require "aggr.errors"
local options = require "aggr.options"

local need = {}

local Need = {}
Need.__index = Need

local function unknown(what, name, key, numbers)
  errors.usage(1, "%s: %s names the source %s, which is not there%s", what, name, errors.show(key),
    options.hint(key, numbers))
end

--- Raise kind `usage` when `key` is none of the sources.
---@param what string
---@param name string the option
---@param key any
---@param numbers table<any, integer>|nil number of each key; nil for a list
---@param total integer
---@return integer number
function need.number(what, name, key, numbers, total)
  if numbers then
    if not numbers[key] then unknown(what, name, key, numbers) end
    return numbers[key]
  end
  if type(key) ~= "number" or key % 1 ~= 0 or key < 1 or key > total then
    unknown(what, name, key, {})
  end
  return key
end

local function check_count(value, total, what)
  options.count(value, 1, what .. ": need")
  if total and value > total then
    errors.usage(1, "%s: need = %d, but there are only %d sources", what, value, total)
  end
  return value
end

--- The option of a call whose items have no keys: true or a number.
---@param value any
---@param what string
function need.refuse_keys(value, what)
  if type(value) == "table" then
    errors.usage(1, "%s: need must be true or a number: its items have no keys", what)
  end
end

local function wanted_of(each, list, what, numbers, total)
  local wanted = {}
  for at, key in each(list) do
    if type(at) ~= "number" then
      errors.usage(1, "%s: need must be a list of keys, as in { %s }", what, errors.show(at))
    end
    wanted[need.number(what, "need", key, numbers, total)] = true
  end
  return wanted
end

--- Compile the option; nil when nothing is needed.
---@param value true|integer|any[]|nil
---@param what string the called function
---@param total integer|nil nil: not known yet (`each`)
---@param numbers table<any, integer>|nil
function need.compile(value, what, total, numbers)
  if value == nil or value == false then return nil end
  if value == true then return setmetatable({ allowed = 0, spare = 0 }, Need) end
  if type(value) == "number" then
    local count = check_count(value, total, what)
    local allowed = total and total - count or math.huge
    return setmetatable({ allowed = allowed, spare = allowed, count = count }, Need)
  end
  if type(value) ~= "table" then
    errors.usage(1, "%s: need must be true, a number or a list of keys, got %s", what, errors.show(value))
  end
  local wanted = options.each(wanted_of, value, what, numbers, total)
  return setmetatable({ wanted = wanted, allowed = 0, spare = 0 }, Need)
end

--- Count again from none.
function Need:reset()
  self.first, self.spare = nil, self.allowed
end

--- Source number i is lost. True when the need can't be met any more; `self.first` is then the
--- number of the first loss that matters.
---@param i integer
---@return boolean
function Need:lose(i)
  if self.wanted and not self.wanted[i] then return false end
  self.first = self.first or i
  self.spare = self.spare - 1
  return self.spare < 0
end

return need
