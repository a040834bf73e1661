--- aggr.encoder: values to JSON text. Sorted keys, exact numbers, errors that name path and remedy.
--
-- The core walks over plain values; here is what it asks about the others. A table whose metatable has a
-- `__json` function is encoded as what that function returns.
local core = require "aggr.core.json"
local errors = require "aggr.errors"
local exact = require "aggr.exact"
local mask = require "aggr.mask"
local utf8 = require "aggr.utf8"

local encoder = {}

local find, format = string.find, string.format
local concat = table.concat

--- Tables marked by aggr.array and aggr.object, and those whose keys have an order: table → "array",
--- "object" or the keys as a list.
local marks = setmetatable({}, { __mode = "k" })
--- The metatable of empty arrays that were decoded, and nothing else about them: marking thousands
--- of them in a weak table would take longer than decoding what is around them.
encoder.LIST = {}
local LIST = encoder.LIST

--- Is `value` a table without a metatable that means something?
---@return boolean
function encoder.is_plain(value)
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return meta == nil or meta == LIST
end

encoder.marks = marks

--- An object whose keys have an order is one already, and keeps it.
---@param t table
---@param kind "array"|"object"
function encoder.mark(t, kind)
  if kind == "array" or type(marks[t]) ~= "table" then marks[t] = kind end
end

--- The keys of an object: those whose order was remembered, then the others, sorted.
---@param t table
---@return string[]
function encoder.keys(t)
  local known, names, taken, rest = marks[t], {}, {}, {}
  for _, name in ipairs(type(known) == "table" and known or {}) do
    if t[name] ~= nil then
      names[#names + 1], taken[name] = name, true
    end
  end
  for name in next, t do
    if type(name) == "string" and not taken[name] then rest[#rest + 1] = name end
  end
  table.sort(rest)
  for _, name in ipairs(rest) do names[#names + 1] = name end
  return names
end

--- The first `depth` keys of `path` as a script would write them: a[1].b
---@param path any[]
---@param depth integer
---@return string
function encoder.path(path, depth)
  local parts = {}
  for i = 1, math.min(depth, 12) do
    local key = path[i]
    if type(key) == "string" and find(key, "^[%a_][%w_]*$") then
      parts[#parts + 1] = (i > 1 and "." or "") .. key
    elseif type(key) == "string" then
      parts[#parts + 1] = "[" .. format("%q", key) .. "]"
    else
      parts[#parts + 1] = "[" .. tostring(key) .. "]"
    end
  end
  return concat(parts) .. (depth > 12 and "…" or "")
end

--- Integers up to 2^53 in full, others in the fewest digits that read back as the same number.
---@type fun(value: number): string
encoder.number = core.number

--- Why `t` is neither array nor object.
local function describe(t)
  local strings, listed, largest = false, true, 0
  for key in next, t do
    if type(key) == "string" then
      strings = true
    elseif type(key) == "number" then
      if key % 1 ~= 0 or key < 1 then listed = false end
      largest = math.max(largest, key)
    else
      return format("%s as a key (keys are strings or 1..n)", errors.show(key))
    end
  end
  if strings then
    return "it has both string and number keys (aggr.object(t) prints number keys as strings)"
  end
  if listed and largest <= 2 ^ 31 then
    for i = 1, largest do
      if t[i] == nil then
        return format("a list with a hole at %d (put aggr.null there, or mark the table with "
          .. "aggr.object to print number keys as strings)", i)
      end
    end
  end
  return "its number keys are not 1..n (aggr.object(t) prints number keys as strings)"
end

--- A copy of `t` with its number keys as strings; or nil and why not.
local function rename(t)
  local values = {}
  for key, value in next, t do
    local name = key
    if type(key) == "number" then
      if key - key ~= 0 then return nil, "infinity as a key" end
      name = core.number(key)
    elseif type(key) ~= "string" then
      return nil, describe(t)
    end
    if values[name] ~= nil then return nil, "two keys would print as " .. core.quote(name) end
    values[name] = value
  end
  return values
end

local ERROR_FIELDS = { "kind", "message", "url", "method", "status", "transport", "source", "attempt", "phase",
  "timing", "hint", "where", "spawned" }

--- Whatever bytes an Error quotes: without secrets, and text.
local function shown(text) return utf8.mend(mask.text(text)) end

--- An Error's fields that are data; what refers back to the run (response, report) stays out.
local function error_fields(err, seen)
  local fields = {}
  for _, name in ipairs(ERROR_FIELDS) do
    local field = rawget(err, name)
    fields[name] = type(field) == "string" and shown(field) or field
  end
  local value = rawget(err, "value")
  if type(value) == "string" then
    fields.value = shown(value)
  elseif value ~= nil then
    fields.value = type(value) == "boolean" and value or errors.show(value)
  end
  seen[err] = true
  local suppressed = rawget(err, "suppressed")
  if suppressed then
    local list = {}
    for _, other in ipairs(suppressed) do
      if errors.is(other) and not seen[other] then list[#list + 1] = error_fields(other, seen) end
    end
    marks[list] = "array"
    fields.suppressed = list
  end
  return fields
end

--- The digits of LuaJIT's 64-bit integers, as what is encoded.
local function boxed(value)
  local digits = tostring(value):match("^(%-?%d+)U?LL$")
  if not digits then return nil end
  local number = tonumber(digits)
  return number >= -2 ^ 53 and number <= 2 ^ 53 and format("%.0f", number) == digits and number or exact.of(digits)
end

--- What is encoded in place of a value that is not plain; or nil and why it cannot be.
local function resolve(value)
  if errors.is(value) then return error_fields(value, {}) end
  local kind = type(value)
  local number = kind == "cdata" and boxed(value)
  if number then return number end
  local meta = (kind == "table" or kind == "userdata") and getmetatable(value)
  if type(meta) == "table" then
    local to_json, name = rawget(meta, "__json"), rawget(meta, "__name")
    if to_json and kind == "table" then return to_json(value) or value end
    if name == "aggr.Response" then return nil, "a Response (return res:json() or res.body)" end
    if type(name) == "string" and find(name, "^aggr%.") then return nil, format("an %s is not data", name) end
  end
  if kind == "table" then return value end
  return nil, errors.show(value) .. " is not data"
end

--- What is wrong, by the names that the core gives it.
local WRONG = {
  nan = "NaN is not JSON (aggr.null stands for no value)",
  infinity = "infinity is not JSON (aggr.null stands for no value)",
  utf8 = "a string that is not UTF-8 (invalid_utf8 = 'replace' prints U+FFFD for what is not)",
  cycle = "a cycle: the table contains itself",
  deep = "nested deeper than 1000",
  members = describe,
  array = function(t) return "marked as an array, but " .. describe(t) end,
}

local function refuse(what, keys, why, value)
  local path = encoder.path(keys, #keys)
  local at = path == "" and (what or "the value") or what and what .. ": " .. path or path
  local reason = WRONG[why] or why
  if type(reason) == "function" then reason = reason(value) end
  errors.raise("usage", utf8.mend("cannot encode " .. at .. ": " .. reason))
end

local encode = core.encoder {
  list = LIST, marks = marks, digits = exact.digits, resolve = resolve, rename = rename, refuse = refuse,
}

local PRETTY, REPLACE = core.PRETTY, core.REPLACE
--- Flags of encoder.encode: their sum.
encoder.PRETTY, encoder.UNSORTED, encoder.REPLACE = PRETTY, core.UNSORTED, REPLACE

--- `value` as JSON text. Raises kind `usage` naming the path of what is not data.
---@param value any
---@param flags integer
---@param what string? the value's name in messages
---@return string
function encoder.encode(value, flags, what)
  return encode(value, flags, what)
end

--- The same for what is printed: it does not fail for bytes that are not UTF-8, they become U+FFFD.
---@param value any
---@param pretty boolean?
---@param what string?
---@return string
function encoder.print(value, pretty, what)
  return encode(value, pretty and PRETTY + REPLACE or REPLACE, what)
end

return encoder
