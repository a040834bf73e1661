--- aggr.url: URLs as text: parameters filled in, joined to a base, queries put on.
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local options = require "aggr.options"

local url = {}

local find, gsub, sub = string.find, string.gsub, string.sub

local ESCAPED = {}
for code = 0, 255 do ESCAPED[string.char(code)] = ("%%%02X"):format(code) end

--- Percent-encode everything but RFC 3986's unreserved characters.
---@param text string
---@return string
function url.encode(text)
  return (gsub(text, "[^%w%-._~]", ESCAPED))
end

--- A string, number or boolean as text (integers in full), or nil.
---@param value any
---@return string?
function url.scalar(value)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then
    if value ~= value or value == math.huge or value == -math.huge then return nil end
    if value % 1 == 0 then return ("%.0f"):format(value) end
    return encoder.number(value)
  end
  if kind == "boolean" then return tostring(value) end
  if kind == "cdata" then return tostring(value):match("^(%-?%d+)U?L?L?$") end
  return nil
end

local function variable(vars, name, what, taken)
  local value = vars[name]
  if value == nil then
    errors.usage(1, "%s: no value for {%s} in vars%s", what, name, options.hint(name, vars))
  end
  local text = url.scalar(value)
  if not text then
    errors.usage(1, "%s: vars.%s must be a string or number, got %s", what, name,
      errors.show(value))
  end
  if text == "." or text == ".." then
    errors.usage(1, "%s: vars.%s is '%s', which would lead to another path", what, name, text)
  end
  taken[name] = true
  return url.encode(text)
end

local function check_taken(each, own, taken, text, what)
  for name in each(own) do
    if not taken[name] then
      errors.usage(1, "%s: vars.%s is not in the path %s", what, tostring(name), errors.show(text))
    end
  end
end

--- Fill `{name}` in the path (not in scheme and host) from `vars`. `own`: those that must be used.
---@param text string
---@param vars table
---@param own table?
---@param what string
---@return string
function url.fill(text, vars, own, what)
  local taken = {}
  local _, authority = find(text, "^%a[%w+.-]*://[^/?#]*")
  local from = authority and authority + 1 or 1
  local filled = gsub(sub(text, from), "{([^{}]*)}", function(name)
    return variable(vars, name, what, taken)
  end)
  if own then options.each(check_taken, own, taken, text, what) end
  return sub(text, 1, from - 1) .. filled
end

---@param text string
---@return boolean
function url.is_absolute(text)
  local colon = find(text, "://", 1, true) -- a pattern is not compiled
  if not colon then return false end
  local scheme = sub(text, 1, colon - 1)
  return scheme == "http" or scheme == "https" or find(scheme, "^%a[%w+.-]*$") ~= nil
end

--- `base` (without slashes at its end) and `path`, as text with exactly one slash between them.
---@param base string
---@param path string
---@return string
function url.join(base, path)
  local first = path:byte(1)
  if first == 47 and path:byte(2) ~= 47 then return base .. path end
  if not first or first == 63 then return base .. path end -- nothing, or a query
  return base .. "/" .. gsub(path, "^/+", "")
end

local function pair(name, value, what)
  local text = url.scalar(value)
  if not text then
    errors.usage(1, "%s: %s must be a string, number, boolean or a list of them, got %s", what,
      errors.show(name), errors.show(value))
  end
  return url.encode(name) .. "=" .. url.encode(text)
end

local function encode_all(each, values, what, into)
  for name, value in each(values) do
    if type(name) ~= "string" then
      errors.usage(1, "%s: names must be strings, got the key %s", what, errors.show(name))
    end
    if type(value) == "table" then
      local parts = {}
      for i = 1, #value do parts[i] = pair(name, value[i], what) end
      if #parts == 0 and next(value) ~= nil then pair(name, value, what) end
      into[name] = table.concat(parts, "&")
    else
      into[name] = pair(name, value, what)
    end
  end
  return into
end

--- Encoded "name=value" text for each name; a list repeats its name.
---@param values table<string, any>
---@param what string
---@param into table<string, string>?
---@return table<string, string>
function url.pairs(values, what, into)
  if not options.is_table(values) then
    errors.usage(1, "%s must be a table, got %s", what, errors.show(values))
  end
  return options.each(encode_all, values, what, into or {})
end

--- The texts of `url.pairs`, joined in the order of their names.
---@param texts table<string, string>
---@return string
function url.query(texts)
  local names = {}
  for name, text in pairs(texts) do
    if text ~= "" then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = texts[name] end
  return table.concat(names, "&")
end

--- `text` with `query` put on, before a fragment and after a query it already has.
---@param text string
---@param query string
---@return string
function url.with_query(text, query)
  if query == "" then return text end
  local before, fragment = text:match("^([^#]*)(.*)$")
  local joint = "?"
  if find(before, "?", 1, true) then joint = find(before, "[?&]$") and "" or "&" end
  return before .. joint .. query .. fragment
end

return url
