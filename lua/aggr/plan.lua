--- aggr.plan: what a request will be, compiled from options.
--
-- A plan is an immutable table. A client compiles one from its options; a call that has options of
-- its own makes a child, in which only what they change is set (the rest is inherited). Everything
-- people write is checked here, once, and only when it is given.
local connection = require "aggr.connection"
local core = require "aggr.core.fetch"
local duration = require "aggr.duration"
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local expect = require "aggr.expect"
local headers = require "aggr.headers"
local options = require "aggr.options"
local retry = require "aggr.retry"
local size = require "aggr.size"
local url = require "aggr.url"

local plan = {}

---@class aggr.Plan
---@field method string
---@field headers table<string, string>   header set, see aggr.headers
---@field bare string                      the set as it is sent
---@field block string                     the same with the body's content type
---@field content_type string|false        of an encoded body
---@field query table<string, string>|false  encoded by name
---@field query_text string|false
---@field vars table|false
---@field body string|false
---@field expect aggr.Expectation
---@field as "json"|"body"|"response"
---@field timeout number|false|nil         the client's
---@field own_timeout number|false|nil     the call's
---@field connect_timeout number|false
---@field idle_timeout number|false
---@field deadline number|false
---@field max_body integer
---@field redirects integer
---@field retry aggr.RetryPolicy|false
---@field connection aggr.Connection
---@field transport function|false
---@field base string|false                without slashes at its end
---@field origin string?                   of base
---@field child table                      metatable of the plans made from this one
---@field typed table<string, string>      blocks with a content type put on, by it
---@field methods table<string, aggr.Plan> children that differ in the method only
---@field foreign aggr.Plan?               for URLs of another origin

local AS = { json = true, body = true, response = true }

--- One setter per option: (plan, value, name for messages, parent).
local set = {}

function set.method(self, value, what)
  if type(value) ~= "string" or not value:find("^%a+$") then
    errors.usage(1, "%s must be a method such as 'POST', got %s", what, errors.show(value))
  end
  self.method = value:upper()
  if self.method == "CONNECT" then errors.usage(1, "%s can't be CONNECT", what) end
end

function set.query(self, value, what, parent)
  local texts = {}
  for name, text in pairs(parent.query or {}) do texts[name] = text end
  self.query = url.pairs(value, what, texts)
  self.query_text = url.query(texts)
end

function set.vars(self, value, what, parent)
  if not options.is_table(value) then
    errors.usage(1, "%s must be a table, got %s", what, errors.show(value))
  end
  self.vars = value
  if parent.vars then
    local vars = {}
    for name, given in pairs(parent.vars) do vars[name] = given end
    for name, given in pairs(value) do vars[name] = given end
    self.vars = vars
  end
end

function set.body(self, value, what)
  if type(value) ~= "string" then
    local hint = type(value) == "table" and " (json or form take a table)" or ""
    errors.usage(1, "%s must be a string, got %s%s", what, errors.show(value), hint)
  end
  self.body, self.content_type = value, false
end

function set.json(self, value, what)
  if type(value) ~= "table" then
    errors.usage(1, "%s must be a table, got %s (body takes text)", what, errors.show(value))
  end
  self.body, self.content_type = encoder.encode(value, 0), "application/json"
end

function set.form(self, value, what)
  self.body = url.query(url.pairs(value, what))
  self.content_type = "application/x-www-form-urlencoded"
end

function set.timeout(self, value, what)
  self.own_timeout = duration.limit(value, what)
end

function set.connect_timeout(self, value, what)
  self.connect_timeout = duration.limit(value, what)
end

function set.idle_timeout(self, value, what)
  self.idle_timeout = duration.limit(value, what)
end

function set.deadline(self, value, what)
  self.deadline = duration.limit(value, what)
end

function set.expect(self, value, what)
  self.expect = expect.compile(value, what)
end

set["as"] = function(self, value, what)
  if not AS[value] then
    errors.usage(1, "%s must be 'json', 'body' or 'response', got %s", what, errors.show(value))
  end
  self.as = value
end

function set.max_body(self, value, what)
  self.max_body = size.bytes(value, what)
end

function set.redirects(self, value, what)
  self.redirects = options.count(value, 0, what)
end

function set.retry(self, value, what)
  self.retry = retry.compile(value, what)
end

function set.headers() end -- see finish_headers
set.auth = set.headers

local function skip() end -- see finish_connection
for name in pairs(connection.options) do set[name] = skip end

--- Options of a client that a call doesn't have.
local client_set = setmetatable({}, { __index = set })

function client_set.base(self, value, what)
  if type(value) ~= "string" then
    errors.usage(1, "%s must be a URL, got %s", what, errors.show(value))
  end
  if value:find("[?#]") then errors.usage(1, "%s can't have a query or fragment", what) end
  self.origin = plan.origin(value, what)
  self.base = value:match("^(.-)/*$")
end

function client_set.transport(self, value, what)
  if type(value) ~= "function" then
    errors.usage(1, "%s must be a function, got %s", what, errors.show(value))
  end
  self.transport = value
end

for name in pairs(connection.client_options) do client_set[name] = skip end

local CLIENT_ONLY = { base = true, transport = true, concurrency = true, per_host = true }
local LATER = { stream = true, rate = true, breaker = true, cache = true, hedge = true }

--- Origin of a URL; raises kind `usage` for what is not a URL aggr can ask.
---@param text string
---@param what string
---@return string
function plan.origin(text, what)
  local origin, message = core.origin(text)
  if not origin then
    errors.usage(1, "%s: %s is not a URL aggr can ask: %s", what, errors.show(core.mask(text)), message)
  end
  return origin
end

--- What is wrong with an option that has no setter.
local function unknown(name, known, what)
  if type(name) ~= "string" then
    return ("%s: options are named, got the key %s"):format(what, errors.show(name))
  end
  if CLIENT_ONLY[name] then
    return ("%s: '%s' is an option of aggr.client, not of a call"):format(what, name)
  end
  if LATER[name] then
    return ("%s: the option '%s' is not available in this version"):format(what, name)
  end
  local names = {}
  for option in pairs(set) do names[option] = true end
  for option in pairs(known == client_set and CLIENT_ONLY or {}) do names[option] = true end
  return options.unknown(name, names, what)
end

options.declare("aggr.fetch", 2, set, unknown)
options.declare("aggr.client", 1, client_set, unknown)

--- The header block of `self` with a content type, unless it has one.
local function typed(self, kind)
  if self.headers["content-type"] then return self.bare end
  local block = self.typed[kind]
  if not block then
    block = self.bare .. "Content-Type: " .. kind .. "\n"
    self.typed[kind] = block
  end
  return block
end

local function finish_headers(self, parent, opts, what)
  local own, auth, kind = opts.headers, opts.auth, self.content_type
  if own == nil and auth == nil then
    self.block = kind and typed(parent, kind) or parent.bare
    return
  end
  local merged = {}
  for name, lines in pairs(parent.headers) do merged[name] = lines end
  if auth ~= nil then merged.authorization = headers.authorization(auth, what .. ": auth") end
  local given = {}
  if own ~= nil then headers.add(own, what .. ": headers", given) end
  if auth ~= nil and given.authorization then
    errors.usage(1, "%s: give either auth or the header Authorization", what)
  end
  for name, lines in pairs(given) do merged[name] = lines end
  self.headers, self.typed = merged, {}
  self.bare = headers.block(merged)
  self.block = kind and typed(self, kind) or self.bare
end

local function finish_connection(self, parent, opts, what)
  for name in pairs(connection.options) do
    if opts[name] ~= nil then
      self.connection = connection.derive(parent.connection, opts, what)
      return
    end
  end
end

local DEFAULTS = { __index = options.defaults }

--- What a plan needs to have children of its own.
local function open(self)
  self.child = { __index = self }
  self.methods = {}
  return setmetatable(self, DEFAULTS)
end

--- A plan that lives long is a flat copy, quick to read; one of a single call inherits.
local function copy(parent)
  local self = {}
  for name, value in pairs(parent) do self[name] = value end
  self.foreign = nil
  return self
end

local function set_all(each, opts, self, parent, known, what)
  for name, value in each(opts) do
    local setter = known[name]
    if not setter then errors.usage(1, "%s", unknown(name, known, what)) end
    setter(self, value, what .. ": " .. name, parent)
  end
end

local function apply(self, parent, opts, known, what)
  if not options.is_table(opts) then
    errors.usage(1, "%s: options must be a table, got %s", what, errors.show(opts))
  end
  options.each(set_all, opts, self, parent, known, what)
  local bodies = (opts.body ~= nil and 1 or 0) + (opts.json ~= nil and 1 or 0)
    + (opts.form ~= nil and 1 or 0)
  if bodies > 1 then errors.usage(1, "%s: only one of body, json and form", what) end
  finish_headers(self, parent, opts, what)
end

--- The plan of one call.
---@param parent aggr.Plan
---@param opts table
---@param what string
---@return aggr.Plan
function plan.call(parent, opts, what)
  local self = setmetatable({}, parent.child)
  apply(self, parent, opts, set, what)
  finish_connection(self, parent, opts, what)
  return self
end

--- The plan of a client. Its time-out is a default: a scope's goes before it.
---@param parent aggr.Plan
---@param opts table
---@param what string
---@return aggr.Plan
function plan.client(parent, opts, what)
  local self = copy(parent)
  apply(self, parent, opts, client_set, what)
  self.timeout, self.own_timeout = self.own_timeout, nil
  self.connection = connection.derive(nil, opts, what)
  return open(self)
end

--- `parent` with another method; made once.
---@param parent aggr.Plan
---@param method string
---@return aggr.Plan
function plan.with_method(parent, method)
  local self = parent.methods[method]
  if not self then
    self = open(copy(parent))
    self.method = method
    parent.methods[method] = self
  end
  return self
end

--- For a URL of another origin: nothing of what was meant for the client's own goes along.
---@param parent aggr.Plan
---@return aggr.Plan
function plan.for_foreign(parent)
  local self = rawget(parent, "foreign")
  if not self then
    self = open(copy(parent))
    self.headers, self.bare, self.block, self.typed = {}, "", "", {}
    self.content_type = false
    self.query, self.query_text, self.body, self.vars = false, false, false, false
    parent.foreign = self
  end
  return self
end

--- Where every plan comes from. What is not set here is in options.defaults.
---@type aggr.Plan
plan.root = open {
  method = "GET",
  headers = {},
  bare = "",
  block = "",
  typed = {},
  content_type = false,
  query = false,
  query_text = false,
  vars = false,
  body = false,
  deadline = false,
  expect = expect.success,
  as = "json",
  retry = false,
  transport = false,
  base = false,
  connection = connection.derive(nil, {}, "aggr"),
}

return plan
