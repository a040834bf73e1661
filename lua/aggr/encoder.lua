--- aggr.encoder: values to JSON text. Sorted keys, exact numbers, errors that name path and remedy.
--
-- Bytes that are not UTF-8 become U+FFFD: what comes out is always JSON. A table whose metatable
-- has a `__json` function is encoded as what that function returns.
local cjson = require "cjson"
local errors = require "aggr.errors"
local mask = require "aggr.mask"
local quote = require "aggr.quote"

local encoder = {}

local find, format = string.find, string.format
local concat, sort = table.concat, table.sort
local floor = math.floor
local null = cjson.null

local DEEPEST = 1000
local EXACT = 2 ^ 53
--- Tables marked by aggr.array and aggr.object: table → "array" | "object".
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

---@param t table
---@param kind "array"|"object"
function encoder.mark(t, kind)
  marks[t] = kind
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

--- One encoding: `path` the keys down to here, `depth` how many, `open` the tables around,
--- `names` the member names seen so far, quoted.
---@class aggr.Encoding
---@field path any[]
---@field depth integer
---@field open table<table, boolean>
---@field names table<string, string>
---@field pretty boolean
---@field what string? what is encoded, for messages

local function refuse(e, fmt, ...)
  local path = encoder.path(e.path, e.depth)
  local at = path == "" and (e.what or "the value") or e.what and e.what .. ": " .. path or path
  errors.raise("usage", "cannot encode " .. at .. ": " .. format(fmt, ...))
end

--- Integers up to 2^53 in full, others in the fewest digits that read back as the same number.
---@param value number finite
---@return string
function encoder.number(value)
  if value == floor(value) and value <= EXACT and value >= -EXACT then
    return format("%d", value)
  end
  local text = format("%.14g", value)
  if tonumber(text) == value then return text end
  text = format("%.16g", value)
  if tonumber(text) == value then return text end
  return format("%.17g", value)
end
local number_text = encoder.number

local function number(e, value)
  if value ~= value then refuse(e, "NaN is not JSON (aggr.null stands for no value)") end
  if value == math.huge or value == -math.huge then
    refuse(e, "infinity is not JSON (aggr.null stands for no value)")
  end
  return number_text(value)
end

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

--- n when the keys are exactly 1..n (n > 0), else nil.
local function list_length(t)
  local n = #t
  if n == 0 then return nil end
  local keys = 0
  for _ in next, t do keys = keys + 1 end
  if keys ~= n then return nil end
  for i = 1, n do
    if t[i] == nil then return nil end
  end
  return n
end

--- Number keys as strings: new names, and the values by them.
local function named(e, t, names, count)
  local values = {}
  for i = 1, count do
    local key = names[i]
    local name = type(key) == "number" and number(e, key) or key
    if values[name] ~= nil then refuse(e, "two keys would print as %s", quote(name)) end
    values[name] = t[key]
    names[i] = name
  end
  return values
end

--- An object's sorted names, their count, and the table that holds the values by name.
local function members(e, t, marked)
  local names, values, count = {}, t, 0
  for key in next, t do
    count = count + 1
    if type(key) ~= "string" then
      if not marked or type(key) ~= "number" then refuse(e, "%s", describe(t)) end
      values = nil
    end
    names[count] = key
  end
  if not values then values = named(e, t, names, count) end
  if count > 1 then sort(names) end
  return names, count, values
end

local function indent(e, out, n)
  if not e.pretty then return n end
  out[n + 1] = "\n" .. ("  "):rep(e.depth)
  return n + 1
end

local put -- appends a value's text to out[n + 1 ...], returns the new n

local function put_array(e, out, n, t, length)
  local depth = e.depth + 1
  local path = e.path
  n = n + 1
  out[n] = "["
  e.depth = depth
  for i = 1, length do
    if i > 1 then
      n = n + 1
      out[n] = ","
    end
    n = indent(e, out, n)
    path[depth] = i
    n = put(e, out, n, t[i])
  end
  e.depth = depth - 1
  if length > 0 then n = indent(e, out, n) end
  out[n + 1] = "]"
  return n + 1
end

local function quoted_name(e, name)
  local text = quote(name) .. (e.pretty and ": " or ":")
  e.names[name] = text
  return text
end

local function put_object(e, out, n, t, marked)
  local names, count, values = members(e, t, marked)
  local depth = e.depth + 1
  local path, known = e.path, e.names
  n = n + 1
  out[n] = "{"
  e.depth = depth
  for i = 1, count do
    local name = names[i]
    if i > 1 then
      n = n + 1
      out[n] = ","
    end
    n = indent(e, out, n) + 1
    out[n] = known[name] or quoted_name(e, name)
    path[depth] = name
    n = put(e, out, n, values[name])
  end
  e.depth = depth - 1
  if count > 0 then n = indent(e, out, n) end
  out[n + 1] = "}"
  return n + 1
end

local ERROR_FIELDS = { "kind", "message", "url", "method", "status", "transport", "source", "attempt", "phase",
  "timing", "hint", "where", "spawned" }

--- An Error's fields that are data; what refers back to the run (response, report) stays out.
local function error_fields(err, seen)
  local fields = {}
  for _, name in ipairs(ERROR_FIELDS) do
    local field = rawget(err, name)
    fields[name] = type(field) == "string" and mask.text(field) or field
  end
  local value = rawget(err, "value")
  if type(value) == "string" then
    fields.value = mask.text(value)
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

--- What is encoded in place of a value with a metatable.
local function plain(e, value)
  if errors.is(value) then return error_fields(value, {}) end
  local meta = getmetatable(value)
  if type(meta) ~= "table" then return value end
  local to_json = rawget(meta, "__json")
  if to_json then return to_json(value) end
  local name = rawget(meta, "__name")
  if name == "aggr.Response" then refuse(e, "a Response (return res:json() or res.body)") end
  if type(name) == "string" and find(name, "^aggr%.") then refuse(e, "an %s is not data", name) end
  return value
end

local function put_table(e, out, n, given)
  local t = getmetatable(given) and plain(e, given) or given
  if type(t) ~= "table" then return put(e, out, n, t) end -- of __json
  if e.open[given] then refuse(e, "a cycle: the table contains itself") end
  if e.depth >= DEEPEST then refuse(e, "nested deeper than %d", DEEPEST) end
  e.open[given] = true
  local mark = marks[given] or marks[t] or getmetatable(t) == LIST and "array"
  local length = mark ~= "object" and list_length(t) or nil
  if mark == "array" and not length and next(t) ~= nil then
    refuse(e, "marked as an array, but %s", describe(t))
  end
  if length or mark == "array" then
    n = put_array(e, out, n, t, length or 0)
  else
    n = put_object(e, out, n, t, mark == "object")
  end
  e.open[given] = nil
  return n
end

--- Text of what is neither string, number, boolean nor table.
local function other_text(e, value)
  if value == null then return "null" end
  local digits = type(value) == "cdata" and tostring(value):match("^(%-?%d+)U?LL$")
  if digits then return digits end
  if type(value) == "userdata" then plain(e, value) end
  refuse(e, "%s is not data", errors.show(value))
end

put = function(e, out, n, value)
  local kind = type(value)
  if kind == "table" then return put_table(e, out, n, value) end
  if kind == "string" then
    out[n + 1] = quote(value)
  elseif kind == "number" then
    out[n + 1] = number(e, value)
  elseif kind == "boolean" then
    out[n + 1] = value and "true" or "false"
  else
    out[n + 1] = other_text(e, value)
  end
  return n + 1
end

--- `value` as JSON text. Raises kind `usage` naming the path of what is not data.
---@param value any
---@param pretty boolean
---@param what string? the value's name in messages
---@return string
function encoder.encode(value, pretty, what)
  local out = {}
  local e = { path = {}, depth = 0, open = {}, names = {}, pretty = pretty, what = what }
  return concat(out, "", 1, put(e, out, 0, value))
end

return encoder
