--- A fake core: the C modules' interface in Lua, for specs of the pure-Lua library.
--
-- `core.answers` is a list of what the next requests bring: a table { status, headers, body } or
-- { failure = { kind, message, phase } }, or a function(sent) that returns one. `core.sent` has
-- what was sent. `core.slept` the pauses. `reset` forgets all, the library's modules included.
local cjson = require "cjson"

local core = {}

local heads = setmetatable({}, { __mode = "k" })
local Response = {}
local pending

local function lower_keys(headers)
  local values = {}
  for name, value in pairs(headers or {}) do
    values[name:lower()] = type(value) == "table" and value or { value }
  end
  return values
end

local function new(given)
  local res = setmetatable({}, Response)
  heads[res] = {
    status = given.status or 200, headers = lower_keys(given.headers), body = given.body or "",
    url = given.url, method = given.method, transport = given.transport or "fake", attempts = 1, cache = {},
  }
  return res
end

local response = {
  methods = Response,
  new = new,
  status = function(r) return heads[r].status end,
  url = function(r) return heads[r].url end,
  method = function(r) return heads[r].method end,
  transport = function(r) return heads[r].transport end,
  http = function() return "1.1" end,
  body = function(r) core.bodies_read = core.bodies_read + 1 return heads[r].body end,
  attempts = function(r) return heads[r].attempts end,
  set_attempts = function(r, n) heads[r].attempts = n end,
  truncated = function(r, n)
    heads[r].body = heads[r].body:sub(1, n)
    return r
  end,
  timing = function() return { total = 0.5 } end,
  cache = function(r) return heads[r].cache end,
  header_values = function(r, name) return heads[r].headers[name] or {} end,
  headers = function(r)
    local found = {}
    for name, values in pairs(heads[r].headers) do found[name] = table.concat(values, ", ") end
    return found
  end,
}

local function without_nulls(value)
  for key, item in pairs(value) do
    if item == cjson.null then value[key] = nil end
  end
  return value
end

local fetch = {}

function fetch.profile(given)
  core.profiles[#core.profiles + 1] = given
  return { profile = #core.profiles }
end

function fetch.origin(url)
  local scheme, host = url:match("^(%a+)://([^/?#]+)")
  if scheme ~= "http" and scheme ~= "https" then return nil, "only http and https" end
  if url:find("[%s%c{}]") then return nil, "it holds a character that is not allowed" end
  host = host:gsub("^.*@", "")
  return scheme .. "://" .. host .. (host:find(":%d+$") and "" or scheme == "http" and ":80" or ":443")
end

function fetch.mask(url)
  return url
end

local NAMES = { "profile", "method", "url", "headers", "body", "timeout", "connect_timeout",
  "idle_timeout", "max_body", "redirects" }

function fetch.start(...)
  local sent = {}
  for i, name in ipairs(NAMES) do sent[name] = select(i, ...) end
  core.sent[#core.sent + 1] = sent
  pending = sent
end

local function take()
  local sent = pending
  local answer = table.remove(core.answers, 1) or { status = 200, body = "{}" }
  if type(answer) == "function" then answer = answer(sent) end
  if answer.raise then error(answer.raise, 0) end
  if answer.failure then
    local failure = { url = sent.url, method = sent.method }
    for name, value in pairs(answer.failure) do failure[name] = value end
    return nil, failure
  end
  local made = new {
    status = answer.status, headers = answer.headers, body = answer.body, url = sent.url, method = sent.method,
    transport = "native",
  }
  return made, response.status(made)
end

--- What lua-cjson makes of a text; its complaints have no path.
local function cjson_decode(source, flags)
  local text = type(source) == "string" and source or heads[source].body
  local ok, value = pcall(cjson.decode, text)
  if not ok then return false, "not JSON", tonumber(value:match "at character (%d+)" or 1) - 1, {} end
  return true, flags == 1 and without_nulls(value) or value
end

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return (c == '"' or c == "\\") and "\\" .. c or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

--- As the core's, without paths.
local function encoder(tools)
  local encode

  local function object(value)
    local parts, names = {}, {}
    for name in pairs(value) do
      if type(name) ~= "string" then error({ why = "members", value = value }, 0) end
      names[#names + 1] = name
    end
    table.sort(names)
    for i, name in ipairs(names) do parts[i] = quote(name) .. ":" .. encode(value[name]) end
    return "{" .. table.concat(parts, ",") .. "}"
  end

  function encode(value)
    local kind = type(value)
    if kind == "string" then return quote(value) end
    if kind == "number" and value - value ~= 0 then error({ why = "nan", value = value }, 0) end
    if kind == "number" or kind == "boolean" or value == cjson.null then return cjson.encode(value) end
    if kind ~= "table" or getmetatable(value) ~= nil then
      local instead, why = tools.resolve(value)
      if instead == nil then error({ why = why, value = value }, 0) end
      if type(instead) ~= "table" then return tools.digits[instead] or encode(instead) end
      value = instead
    end
    local parts = {}
    for i, item in ipairs(value) do parts[i] = encode(item) end
    if #parts == 0 and tools.marks[value] ~= "array" then return object(value) end
    if next(value, #parts > 0 and #parts or nil) ~= nil then error({ why = "members", value = value }, 0) end
    return "[" .. table.concat(parts, ",") .. "]"
  end

  return function(value, _, what)
    local ok, text = pcall(encode, value)
    if ok then return text end
    if not text.why then error(text, 0) end
    return tools.refuse(what, {}, text.why, text.value) -- a tail call: this frame is no place of the script's
  end
end

local json = {
  PRETTY = 1, UNSORTED = 2, REPLACE = 4,
  encoder = encoder,
  number = function(value) return ("%.17g"):format(value) end,
  quote = quote,
  size = function(source) return type(source) == "string" and #source or #heads[source].body end,
  DROP_NULLS = 1, STRICT = 2, ORDER = 4, BIG_STRING = 8, BIG_NUMBER = 16,
  decoder = function() return cjson_decode end,
  excerpt = function(source, offset)
    local text = type(source) == "string" and source or heads[source].body
    return 1, offset + 1, text:sub(1, offset), text:sub(offset + 1)
  end,
}

core.CANCEL = setmetatable({}, { __name = "cancel" })

local errors_of = function() return require "aggr.errors" end

--- A deadline that passes when the function says so, by raising { passed = true }.
local function deadline(seconds, fn, ...)
  core.deadlines[#core.deadlines + 1] = seconds
  local ok, value = pcall(fn, ...)
  if ok then return value end
  if type(value) == "table" and value.passed then
    errors_of().raise("deadline", ("%g s have passed"):format(seconds))
  end
  error(value, 0)
end

local modules = {
  ["aggr.core.task"] = { take = take, check = function() end, CANCEL = core.CANCEL },
  ["aggr.core.fetch"] = fetch,
  ["aggr.core.json"] = json,
  ["aggr.core.pick"] = {},
  ["aggr.core.stream"] = {},
  ["aggr.core.response"] = response,
  ["aggr.core.scope"] = {
    timeout = function() return core.scope_timeout end,
    remaining = function() return core.remaining end,
  },
  ["aggr.core.sys"] = {
    random = function() return core.random end,
    wall = function() return core.wall end,
    env = function(name) return core.environment[name] end,
  },
  ["aggr.scope"] = {
    sleep = function(seconds) core.slept[#core.slept + 1] = seconds end,
    deadline = deadline,
  },
  ["aggr.log"] = { warn = function(text) core.warnings[#core.warnings + 1] = text end },
}

--- Everything new: the fakes, their records, the library's modules.
function core.reset()
  core.answers, core.sent, core.slept, core.profiles = {}, {}, {}, {}
  core.deadlines, core.warnings, core.environment = {}, {}, {}
  core.scope_timeout, core.remaining, core.random, core.wall = nil, nil, 0.5, 784111777
  core.bodies_read = 0
  for name in pairs(package.loaded) do
    if name:find("^aggr%.") then package.loaded[name] = nil end
  end
  for name in pairs(Response) do Response[name] = nil end
  for name, module in pairs(modules) do package.loaded[name] = module end
end

--- What fn raises, as an Error; fails the test when it raises nothing.
function core.raised(fn, ...)
  local ok, err = pcall(fn, ...)
  assert(not ok, "nothing was raised")
  assert(require("aggr.errors").is(err), "not an Error: " .. tostring(err))
  return err
end

return core
