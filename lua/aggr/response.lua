--- aggr.response: what a request brought. The core holds head and body in one block; what is
--- expensive to make for Lua (headers, timing, the body's string) is made when it is first read.
local core = require "aggr.core.response"
local errors = require "aggr.errors"
local json = require "aggr.json"
local mask = require "aggr.mask"
local options = require "aggr.options"
local pick = require "aggr.pick"
local pointer = require "aggr.pointer"

local response = {}

---@class aggr.Response
---@field status integer
---@field ok boolean                      the status is 2xx
---@field url string                      the last one, after redirects
---@field headers table<string, string>   lower-case keys, repeats joined by ", "
---@field http "1.1"|"2"
---@field transport "native"|"curl"|"fake"  what carried the last hop; "fake": the client's function
---@field body string
---@field attempts integer
---@field timing table<string, number>    queue dns connect tls wait body total, in seconds
local methods = {}

local Response = core.methods
Response.__name = "aggr.Response"

local status_of, body_of, url_of = core.status, core.body, core.url

local cheap = {
  status = status_of,
  url = url_of,
  http = core.http,
  transport = core.transport,
  attempts = core.attempts,
  ok = function(self)
    local status = status_of(self)
    return status >= 200 and status <= 299
  end,
}

local kept = { headers = core.headers, body = body_of, timing = core.timing }

local function check_self(self, name)
  if getmetatable(self) ~= Response then
    errors.usage(1, "res.%s(…): use res:%s(…)", name, name)
  end
end

local function unknown(name)
  local names = {}
  for _, fields in ipairs { cheap, kept, methods } do
    for field in pairs(fields) do names[field] = true end
  end
  errors.usage(1, "a Response has no field %s%s", errors.show(name), options.hint(name, names))
end

function Response.__index(self, name)
  local read = cheap[name]
  if read then return read(self) end
  read = kept[name]
  if not read then return methods[name] or unknown(name) end
  local cache = core.cache(self)
  local value = cache[name]
  if value == nil then
    value = read(self)
    cache[name] = value
  end
  return value
end

function Response.__newindex(_, name)
  errors.usage(1, "a Response can't be changed (field %s)", errors.show(name))
end

function Response.__tostring(self)
  return mask.text(("Response %d %s"):format(status_of(self), url_of(self)))
end

--- All values of a header, in the order they came.
---@param name string in any case
---@return string[]
function methods:header_values(name)
  check_self(self, "header_values")
  if type(name) ~= "string" then
    errors.usage(1, "res:header_values: expected a header's name, got %s", errors.show(name))
  end
  return core.header_values(self, name:lower())
end

--- The body, decoded. Raises kind `decode` naming the byte where it stops being JSON.
---@param opts aggr.DecodeOptions?
---@return any
function methods:json(opts)
  check_self(self, "json")
  return response.decode(self, json.decoding(opts, "res:json"))
end

--- What JSON Pointers (RFC 6901) lead to in the body: for one of them its value, for a table of them a table
--- with the same keys, where what is not there is nil. All of the body is checked as `json` does it, and
--- only what is asked for is decoded.
---@param pointers string|table<any, string> "/orders/0/id", or { "/id", name = "/owner/name" }
---@param opts aggr.DecodeOptions?
---@return any
function methods:pick(pointers, opts)
  check_self(self, "pick")
  local wanted, how = pointer.wanted(pointers, "res:pick"), json.decoding(opts, "res:pick")
  local value, message, fields = pick.parse(self, wanted, how)
  if message then response.refuse(self, message, fields) end
  return value
end

--- Raise that the body is not JSON.
---@param self aggr.Response
---@param message string
---@param fields table of the Error
function response.refuse(self, message, fields)
  local kind = core.headers(self)["content-type"]
  fields.url, fields.method, fields.status = url_of(self), core.method(self), status_of(self)
  fields.transport = core.transport(self)
  fields.hint = "as = 'body' or res.body gives the text as it came"
  errors.raise("decode", ("the body is not JSON: %s%s"):format(message,
    kind and " (content-type " .. kind .. ")" or ""), fields)
end

--- Whether `value` is a Response.
---@return boolean
function response.is(value)
  return type(value) == "userdata" and getmetatable(value) == Response
end

--- The body, decoded.
---@param self aggr.Response
---@param how aggr.Decoding?
---@return any
function response.decode(self, how)
  local value, message, fields = json.parse(self, how)
  if message then response.refuse(self, message, fields) end
  return value
end

return response
