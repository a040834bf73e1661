--- aggr.connection: how a client connects (TLS, proxy, socket, fixed addresses, permits), checked
--- here and compiled by the core into a profile when the first request needs it.
--
-- A connection is immutable once it is in a plan; plans that share it share its profile.
local core = require "aggr.core.fetch"
local errors = require "aggr.errors"
local options = require "aggr.options"
local warn = require "aggr.warn"

local connection = {}

---@class aggr.Connection
---@field given table           the core's options
---@field profile userdata?     made on first use
---@field derived table<string, aggr.Connection>
---@field count integer         of those
---@field base aggr.Connection? what it was derived from; they share the permits

local function text(value, what)
  if type(value) ~= "string" or value == "" then
    errors.usage(1, "%s must be a string, got %s", what, errors.show(value))
  end
  if value:find("[%z\r\n]") then errors.usage(1, "%s holds a line break or NUL", what) end
  return value
end

local function limit(value, most, name, what)
  options.count(value, 1, what)
  if value > most then
    warn.once(name, ("%s = %d is more than the process allows (%d)"):format(name, value, most))
  end
  return value
end

local TLS = options.declare("tls", nil, { ca = true, cert = true, key = true, verify = true, server_name = true })

local function set_tls(given, tls, what)
  options.check(tls, TLS, what)
  for _, name in ipairs { "ca", "cert", "key", "server_name" } do
    if tls[name] ~= nil then given[name] = text(tls[name], what .. "." .. name) end
  end
  if tls.key and not tls.cert then errors.usage(1, "%s.key needs %s.cert", what, what) end
  if tls.verify ~= nil then
    if type(tls.verify) ~= "boolean" then
      errors.usage(1, "%s.verify must be true or false, got %s", what, errors.show(tls.verify))
    end
    given.verify = tls.verify
    if not tls.verify then
      warn.once("verify", "tls.verify = false: anybody can answer in the place of the server")
    end
  end
end

local function fixed_addresses(each, table_, what)
  local fixed = {}
  for host, address in each(table_) do
    if type(host) ~= "string" or host == "" then
      errors.usage(1, "%s: names must be strings, got the key %s", what, errors.show(host))
    end
    if type(address) ~= "string" or not address:find("^[%x.:%[%]]+$") then
      errors.usage(1, "%s: the address of %s must be an IP address, got %s", what, host,
        errors.show(address))
    end
    fixed[host] = address
  end
  return fixed
end

local function set_resolve(given, table_, what)
  if not options.is_table(table_) then
    errors.usage(1, "%s must be a table of name = address, got %s", what, errors.show(table_))
  end
  given.resolve = options.each(fixed_addresses, table_, what)
end

local HTTP = { auto = true, ["1.1"] = true, ["2"] = true }

--- One setter per option: (the core's options, the value, name for messages).
local set = {
  tls = set_tls,
  resolve = set_resolve,
  http = function(given, value, what)
    if not HTTP[value] then
      errors.usage(1, "%s must be '1.1', '2' or 'auto', got %s", what, errors.show(value))
    end
    given.http = value
  end,
  proxy = function(given, value, what)
    given.proxy = value ~= false and text(value, what)
  end,
  unix_socket = function(given, value, what)
    given.unix_socket = text(value, what)
  end,
  concurrency = function(given, value, what)
    given.concurrency = limit(value, options.defaults.concurrency, "concurrency", what)
  end,
  per_host = function(given, value, what)
    given.per_host = limit(value, options.defaults.per_host, "per_host", what)
  end,
}

local NAMES = { "concurrency", "http", "per_host", "proxy", "resolve", "tls", "unix_socket" }

--- The options that this module answers for.
connection.options = { tls = true, resolve = true, http = true, proxy = true, unix_socket = true }
connection.client_options = { concurrency = true, per_host = true }

local function fingerprint(given)
  local parts = {}
  for name, value in pairs(given) do
    if type(value) == "table" then
      local rows = {}
      for host, address in pairs(value) do rows[#rows + 1] = host .. "=" .. address end
      table.sort(rows)
      value = table.concat(rows, ",")
    end
    parts[#parts + 1] = name .. "=" .. tostring(value)
  end
  table.sort(parts)
  return table.concat(parts, "\n")
end

local function new(given)
  return { given = given, derived = {}, count = 0 }
end

local MOST_DERIVED = 64 -- a script that makes up a new proxy per call must not grow for ever

--- `base` with the options in `opts` that concern it; the same options give the same connection.
---@param base aggr.Connection?
---@param opts table
---@param what string
---@return aggr.Connection
function connection.derive(base, opts, what)
  local given = {}
  for name, value in pairs(base and base.given or {}) do given[name] = value end
  for _, name in ipairs(NAMES) do
    if opts[name] ~= nil then set[name](given, opts[name], what .. ": " .. name) end
  end
  if not base then return new(given) end
  local key = fingerprint(given)
  local found = base.derived[key]
  if found then return found end
  if base.count >= MOST_DERIVED then base.derived, base.count = {}, 0 end
  found = new(given)
  found.base = base
  base.derived[key] = found
  base.count = base.count + 1
  return found
end

--- Compile it. Raises kind `usage` with what the core finds wrong.
---@param self aggr.Connection
---@return userdata
function connection.open(self)
  local base = self.base
  if base and (base.given.concurrency or base.given.per_host) then
    self.given.permits = base.profile or connection.open(base)
  end
  local profile, message = core.profile(self.given)
  if not profile then errors.raise("usage", tostring(message)) end
  self.profile = profile
  return profile
end

return connection
