--- aggr.errors: the Error, the one thing the library raises besides the cancel token.
--
-- An Error is a table: `kind`, `message` (one line, without place, URL or kind) and where they
-- apply `url method status transport source attempt phase timing hint value suppressed traceback
-- response report`; `where` is "file:line" of the script's frame that raised, `spawned` that of the call
-- that made the task. `tostring(err)` is one line made of them:
--
--   pipeline.lua:14: timeout: GET http://127.0.0.1:9000/x no byte for 2.0 s (wait)
--
-- Secrets are masked when an Error is made and again when it is shown.
local mask = require "aggr.mask"

local errors = {}

---@class aggr.Error
---@field kind string
---@field message string
---@field url string?
---@field method string?
---@field status integer?
---@field transport string?     what carried the request: see aggr.Response
---@field source any            key of the source it happened in
---@field attempt integer?
---@field phase string?         queue dns connect tls write wait body
---@field timing table?
---@field hint string?
---@field byte integer?         kind decode: where the text is wrong, from 1; line and column (in characters), too
---@field line integer?
---@field column integer?
---@field path string?          kind decode: the keys down to there (".orders[3].price")
---@field value any             what was raised, when it was not an Error
---@field suppressed aggr.Error[]?
---@field traceback string?
---@field response aggr.Response?
---@field report table?
---@field where string?         "file:line" in the script
---@field called string?       the name of the function called there
---@field spawned string?       "file:line" of the call that made the task
local Error = { __name = "aggr.Error" }

local NO_MEMORY = "not enough memory" -- what LuaJIT raises, mostly without a place

local LONGEST_URL, LONGEST_MISUSE = 300, 1000 -- bytes shown

--- A URL as messages show it.
---@return string
function errors.short_url(url)
  return mask.short(tostring(url), LONGEST_URL)
end

local getinfo = debug.getinfo
local LIBRARY = getinfo(1, "S").source:match("^(.*)aggr/errors%.lua$") -- "=(aggr) " in the binary
local suppressed_in = setmetatable({}, { __mode = "k" })

---@return string one line: place: kind: METHOD url message (phase)
function Error:__tostring()
  local parts = {}
  local place = rawget(self, "where") or rawget(self, "spawned")
  if place then parts[#parts + 1] = tostring(place) .. ":" end
  parts[#parts + 1] = tostring(rawget(self, "kind")) .. ":"
  local url = rawget(self, "url")
  if url then parts[#parts + 1] = (rawget(self, "method") or "GET") .. " " .. errors.short_url(url) end
  parts[#parts + 1] = tostring(rawget(self, "message"))
  local phase = rawget(self, "phase")
  if phase then parts[#parts + 1] = "(" .. tostring(phase) .. ")" end
  return (mask.text(table.concat(parts, " ")):gsub("%s*[\r\n]+%s*", " "))
end

function Error.__concat(a, b)
  return tostring(a) .. tostring(b)
end

local function is_library_source(source)
  if source:sub(1, #LIBRARY) ~= LIBRARY then return false end
  local rest = source:sub(#LIBRARY + 1)
  return rest:find("^aggr/") ~= nil or rest:find("^prelude/") ~= nil
end

--- Is this frame the library's own (or C's)?
local function is_library(info)
  return info.what == "C" or is_library_source(info.source)
end

--- Is this one of the library's own functions (or C's)?
---@param fn function
---@return boolean
function errors.is_library(fn)
  return is_library(getinfo(fn, "S"))
end

local function place_of(info)
  local source = info.source
  local first = source:sub(1, 1)
  local name = (first == "@" or first == "=") and source:sub(2) or info.short_src
  return info.currentline > 0 and name .. ":" .. info.currentline or name
end

local function no_place() return nil end
local fallback = no_place

--- Name the place when no script frame is left on the stack, as after a tail call
--- (`return aggr.fetch(…)`).
---@param fn fun(): string?
function errors.set_fallback(fn)
  fallback = fn or no_place
end

--- "file:line" of the `nth` (1) frame outside the library, or nil.
---@param nth integer?
---@return string? place, string? called the name of the function that it called
function errors.where(nth)
  nth = nth or 1
  local level = 2
  while true do
    local info = getinfo(level, "Sl")
    if not info then return fallback() end
    if not is_library(info) then
      if nth == 1 then return place_of(info), getinfo(level - 1, "n").name end
      nth = nth - 1
    end
    level = level + 1
  end
end

--- A new Error. Takes over `fields`; nothing is raised, no place is looked for.
---@param kind string
---@param message string
---@param fields table?
---@return aggr.Error
function errors.new(kind, message, fields)
  local err = fields or {}
  err.kind = kind
  err.message = mask.text(tostring(message))
  if err.url then err.url = mask.text(tostring(err.url)) end
  if err.hint then err.hint = mask.text(tostring(err.hint)) end
  return setmetatable(err, Error)
end

--- Raise a new Error, with the script's place unless `fields.where` is given.
---@param kind string
---@param message string
---@param fields table?
function errors.raise(kind, message, fields)
  local err = errors.new(kind, message, fields)
  if not err.where then err.where, err.called = errors.where() end
  error(err, 0)
end

local function escaped(control)
  return ("\\%d"):format(control:byte())
end

--- Raise kind `usage`, placed at a frame of the script.
---@param level integer 1: the first frame outside the library (nearly always right); 2: its caller
---@param fmt string for string.format
function errors.usage(level, fmt, ...)
  local message = select("#", ...) > 0 and fmt:format(...) or fmt
  local err = errors.new("usage", (mask.short(message, LONGEST_MISUSE):gsub("%c", escaped)))
  err.where, err.called = errors.where(level)
  error(err, 0)
end

---@return boolean
function errors.is(value)
  return type(value) == "table" and getmetatable(value) == Error
end

--- What was raised, as an Error: itself, or kind `script` with `.value`. A position in front of a
--- string becomes `.where`; C functions that the library called for the script put the library's there.
---@return aggr.Error
function errors.wrap(value)
  if errors.is(value) then return value end
  if type(value) == "string" then
    local where, message = value:match("^([^\n]-:%d+): (.*)$")
    if where and is_library_source(LIBRARY:sub(1, 1) .. where) then where = errors.where() end
    local out_of_memory = (message or value) == NO_MEMORY
    return errors.new(out_of_memory and "memory" or "script", message or value, { value = value, where = where })
  end
  local message
  if type(value) == "table" or type(value) == "userdata" then
    local meta = getmetatable(value)
    local ok, text = pcall(tostring, value)
    message = ok and type(meta) == "table" and meta.__tostring and text
  end
  message = message or "error object is " .. errors.show(value)
  return errors.new("script", message, { value = value })
end

--- Note that `other` happened too: appended to `err.suppressed`, never itself, none twice.
---@param err aggr.Error
---@param other aggr.Error
---@return aggr.Error err
function errors.suppress(err, other)
  if rawequal(err, other) or not other then return err end
  local seen = suppressed_in[err]
  if not seen then
    seen = setmetatable({}, { __mode = "k" })
    suppressed_in[err] = seen
  end
  if seen[other] then return err end
  seen[other] = true
  local list = err.suppressed or {}
  list[#list + 1] = other
  err.suppressed = list
  return err
end

local ARTICLE = {
  table = "a table", ["function"] = "a function", userdata = "a userdata",
  thread = "a coroutine", cdata = "a cdata",
}

--- A value as messages show it: 'text' (cut at 40 bytes), 12, true, nil, a table.
---@return string
function errors.show(value)
  local kind = type(value)
  if kind == "string" then
    return "'" .. mask.short(value, 40):gsub("%c", escaped) .. "'"
  end
  if kind == "userdata" and tostring(value) == "userdata: NULL" then return "aggr.null" end
  if kind == "table" or kind == "userdata" then
    local meta = getmetatable(value)
    local name = type(meta) == "table" and rawget(meta, "__name")
    if name == "aggr.Error" then return "an Error" end
    if name == "aggr.Response" then return "a Response" end
    if name == "aggr" then return "aggr itself (call it with a dot: aggr.name(…))" end
    if type(name) == "string" then return (name:find("^[aeiou]") and "an " or "a ") .. name end
  end
  if kind == "cdata" then return tostring(value):match("^%-?%d+U?L?L?$") or ARTICLE[kind] end
  return ARTICLE[kind] or tostring(value)
end

return errors
