--- aggr.headers: request headers, checked and joined once into the block that is sent.
--
-- A header set maps a lower-case name to its lines ("Name: value\n", one per value).
local errors = require "aggr.errors"
local options = require "aggr.options"
local url = require "aggr.url"

local headers = {}

local bit = bit
local find = string.find

--- What the runtime writes itself; letting scripts do it too would make framing ambiguous.
local OURS = { ["content-length"] = true, ["transfer-encoding"] = true, connection = true,
  ["keep-alive"] = true, upgrade = true, te = true, trailer = true, expect = true }

local function check(name, value, what)
  local text = url.scalar(value)
  if not text then
    errors.usage(1, "%s: the value of %s must be a string, number or list, got %s", what, name,
      errors.show(value))
  end
  if find(text, "[%z\r\n]") then
    errors.usage(1, "%s: the value of %s holds a line break or NUL", what, name)
  end
  if find(text, "[%z\1-\8\11-\31\127]") then
    errors.usage(1, "%s: the value of %s holds a control character", what, name)
  end
  return text
end

--- The values of one header as a list of strings, checked.
---@param name string
---@param value any
---@param what string
---@return string[]
function headers.values(name, value, what)
  if type(name) ~= "string" or not find(name, "^[%w!#$%%&'*+%-.^_`|~]+$") then
    errors.usage(1, "%s: %s is not a header name", what, errors.show(name))
  end
  if type(value) ~= "table" then return { check(name, value, what) } end
  local values = {}
  for i = 1, #value do values[i] = check(name, value[i], what) end
  if #values == 0 then check(name, value, what) end
  return values
end

local function line(name, text)
  return name .. ": " .. text .. "\n"
end

local function add_all(each, given, what, into)
  local seen = {}
  for name, value in each(given) do
    local values = headers.values(name, value, what)
    local lower = name:lower()
    if seen[lower] then errors.usage(1, "%s: %s stands there twice", what, errors.show(lower)) end
    if OURS[lower] then
      errors.usage(1, "%s: %s is set by aggr itself and can't be given", what, name)
    end
    seen[lower] = true
    for i, text in ipairs(values) do values[i] = line(name, text) end
    into[lower] = table.concat(values)
  end
end

--- Check a table of headers and add it to `into`. The same name in other letters is one header.
---@param given table<string, string|number|(string|number)[]>
---@param what string
---@param into table<string, string>
function headers.add(given, what, into)
  if not options.is_table(given) then
    errors.usage(1, "%s must be a table, got %s", what, errors.show(given))
  end
  options.each(add_all, given, what, into)
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function digit(value, shift)
  local at = bit.band(bit.rshift(value, shift), 63) + 1
  return ALPHABET:sub(at, at)
end

--- RFC 4648 §4.
---@param text string
---@return string
function headers.base64(text)
  local encoded = text:gsub("..?.?", function(group)
    local a, b, c = group:byte(1, 3)
    local value = a * 65536 + (b or 0) * 256 + (c or 0)
    return digit(value, 18) .. digit(value, 12)
      .. (b and digit(value, 6) or "=") .. (c and digit(value, 0) or "=")
  end)
  return encoded
end

local AUTH = options.declare("auth", nil, { bearer = true, user = true, password = true })

local function check_auth(each, auth, what)
  for name, text in each(auth) do
    if not AUTH[name] then
      errors.usage(1, "%s: unknown field %s (bearer, or user and password)", what,
        errors.show(name))
    end
    if type(text) ~= "string" then
      errors.usage(1, "%s.%s must be a string, got %s", what, name, errors.show(text))
    end
  end
end

--- The Authorization line of an `auth` option.
---@param auth { bearer: string?, user: string?, password: string? }
---@param what string
---@return string
function headers.authorization(auth, what)
  local value
  if not options.is_table(auth) then
    errors.usage(1, "%s must be a table, got %s", what, errors.show(auth))
  end
  options.each(check_auth, auth, what)
  if auth.bearer and not auth.user and not auth.password then
    value = "Bearer " .. auth.bearer
  elseif auth.user and not auth.bearer then
    if auth.user:find(":", 1, true) then
      errors.usage(1, "%s.user can't hold a colon", what)
    end
    value = "Basic " .. headers.base64(auth.user .. ":" .. (auth.password or ""))
  else
    errors.usage(1, "%s needs either bearer or user and password", what)
  end
  return line("Authorization", check("Authorization", value, what))
end

--- A header set as the block that is sent, in the order of the names.
---@param set table<string, string>
---@return string
function headers.block(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = set[name] end
  return table.concat(names)
end

--- A block as a table with lower-case keys, repeats joined by ", ".
---@param block string
---@return table<string, string>
function headers.table(block)
  local found = {}
  for name, value in block:gmatch("([^:\n]+): ([^\n]*)\n") do
    local lower = name:lower()
    found[lower] = found[lower] and found[lower] .. ", " .. value or value
  end
  return found
end

return headers
