--- aggr.client: defaults for many requests, compiled once. Immutable.
local connection = require "aggr.connection"
local errors = require "aggr.errors"
local options = require "aggr.options"
local plan = require "aggr.plan"
local request = require "aggr.request"

local client = {}

local PLAN = request.PLAN

---@class aggr.ClientOptions: aggr.Request
---@field base string?
---@field concurrency integer?
---@field per_host integer?
---@field transport (fun(req: aggr.FakeRequest): aggr.FakeResponse)?

---@class aggr.Client
local methods = {}
client.methods = methods

local Client = { __name = "aggr.Client" }

--- Its plan; raises kind `usage` when called with a dot or on something else.
local function plan_of(self, name)
  local found = type(self) == "table" and rawget(self, PLAN)
  if not found then errors.usage(1, "api.%s(…): use api:%s(…)", name, name) end
  return found
end

--- One request.
---@param path string|aggr.Request joined to `base`, or an absolute URL
---@param opts aggr.Options?
---@return aggr.Response
function methods:fetch(path, opts)
  return request.fetch(plan_of(self, "fetch"), path, opts, "client:fetch")
end

--- One request; its decoded body, nil for 204.
---@param path string|aggr.Request
---@param opts aggr.Options?
---@return any
function methods:json(path, opts)
  return request.json(plan_of(self, "json"), path, opts, "client:json")
end

local function with_method(name)
  local method, what = name:upper(), "client:" .. name
  return function(self, path, opts)
    local parent = plan_of(self, name)
    local given = options.is_table(opts) and opts.method
      or options.is_table(path) and path.method
    if given then errors.usage(1, "%s: the method is %s, it can't be given", what, method) end
    return request.fetch(plan.with_method(parent, method), path, opts, what)
  end
end

---@alias aggr.Path string|aggr.Request
---@alias aggr.Verb fun(self: aggr.Client, path: aggr.Path, opts: aggr.Options?): aggr.Response
methods.get = with_method "get" ---@type aggr.Verb
methods.head = with_method "head" ---@type aggr.Verb
methods.post = with_method "post" ---@type aggr.Verb
methods.put = with_method "put" ---@type aggr.Verb
methods.patch = with_method "patch" ---@type aggr.Verb
methods.delete = with_method "delete" ---@type aggr.Verb

Client.__index = setmetatable(methods, { -- quicker to find a method in than by a function
  __index = function(_, name)
    if type(name) ~= "string" then return nil end
    errors.usage(1, "a client has no '%s'%s", name, options.hint(name, methods))
  end,
})

function Client.__newindex(_, name)
  errors.usage(1, "a client can't be changed (field %s); make another with aggr.client",
    errors.show(name))
end

function Client.__tostring(self)
  return ("aggr.Client (%s)"):format(rawget(self, PLAN).base or "no base")
end

--- A client with these options as the defaults of its requests.
---@param opts aggr.ClientOptions?
---@return aggr.Client
function client.new(opts)
  if opts == nil then opts = {} end
  if options.is_table(opts) and opts.url ~= nil then
    errors.usage(1, "aggr.client: a client has a base, no url")
  end
  local compiled = plan.client(plan.root, opts, "aggr.client")
  if not compiled.transport then connection.open(compiled.connection) end
  return setmetatable({ [PLAN] = compiled }, Client)
end

return client
