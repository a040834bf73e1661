--- aggr.expect: which statuses a caller counts as success.
local errors = require "aggr.errors"
local options = require "aggr.options"

local expect = {}

---@class aggr.Expectation
---@field text string
---@field any boolean?
---@field [integer] boolean

local function class(hundreds, into)
  for status = hundreds * 100, hundreds * 100 + 99 do into[status] = true end
end

---@type aggr.Expectation
expect.success = { text = "2xx" }
class(2, expect.success)

local ANY = { text = "any status", any = true }

local function add(item, into, what)
  if type(item) == "number" and item % 1 == 0 and item >= 100 and item <= 999 then
    into[item] = true
    return tostring(item)
  end
  local hundreds = type(item) == "string" and item:match("^([1-5])xx$")
  if not hundreds then
    errors.usage(1, "%s must be '2xx', 'any', a status such as 404, or a list of them, got %s",
      what, errors.show(item))
  end
  class(tonumber(hundreds), into)
  return item
end

--- Statuses by number, and `text` for messages.
---@param value string|integer|(string|integer)[]
---@param what string
---@return aggr.Expectation
function expect.compile(value, what)
  if value == "2xx" then return expect.success end
  if value == "any" then return ANY end
  if not options.is_table(value) then value = { value } end
  local set, texts = {}, {}
  for i = 1, #value do
    if value[i] == "any" then return ANY end
    texts[i] = add(value[i], set, what)
  end
  if #texts == 0 then add(value[1] == nil and value or value[1], set, what) end
  set.text = table.concat(texts, " or ")
  return set
end

return expect
