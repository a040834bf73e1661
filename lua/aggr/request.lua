--- aggr.request: from what people write (a URL, a request table, options) to a plan and a URL.
local core = require "aggr.core.fetch"
local errors = require "aggr.errors"
local options = require "aggr.options"
local fetch = require "aggr.fetch"
local plan = require "aggr.plan"
local url = require "aggr.url"

local request = {}

--- Under this key a client holds its plan.
request.PLAN = {}
local PLAN = request.PLAN

---@class aggr.Options
---@field method string?
---@field headers table<string, string|number|(string|number)[]>?
---@field query table<string, any>?
---@field vars table<string, string|number>?
---@field body string?
---@field json table?
---@field form table<string, any>?
---@field timeout number|string|false|nil
---@field deadline number|string|false|nil
---@field connect_timeout number|string|false|nil
---@field idle_timeout number|string|false|nil
---@field expect string|integer|(string|integer)[]|nil
---@field max_body integer|string|nil
---@field redirects integer?
---@field http "auto"|"1.1"|"2"|nil
---@field tls { ca: string?, cert: string?, key: string?, verify: boolean?, server_name: string? }?
---@field proxy string|false|nil
---@field unix_socket string?
---@field resolve table<string, string>?
---@field auth { bearer: string?, user: string?, password: string? }?
---@field retry integer|aggr.RetryOptions|false|nil

---@class aggr.Request: aggr.Options
---@field url string
---@field as "json"|"body"|"response"|nil   in sources

--- The plan of a client, the root plan for nil. Raises kind `usage` for anything else.
---@param client aggr.Client?
---@param what string
---@return aggr.Plan
function request.plan(client, what)
  if client == nil then return plan.root end
  local found = type(client) == "table" and rawget(client, PLAN)
  if not found then
    errors.usage(1, "%s: client must come from aggr.client, got %s", what, errors.show(client))
  end
  return found
end

--- A request table and options as a URL and one table of options.
local function split(given, opts, what)
  if not options.is_table(given) then
    errors.usage(1, "%s: expected a URL or a request table, got %s", what, errors.show(given))
  end
  if type(given.url) ~= "string" then
    errors.usage(1, "%s: the request table needs a url, got %s", what, errors.show(given.url))
  end
  if opts ~= nil and not options.is_table(opts) then
    errors.usage(1, "%s: options must be a table, got %s", what, errors.show(opts))
  end
  local merged = {}
  for name, value in pairs(given) do
    if name ~= "url" then merged[name] = value end
  end
  for name, value in pairs(opts or {}) do merged[name] = value end
  return given.url, merged
end

--- The full URL and the plan that goes for it: another one where the origin is another.
local function locate(parent, path, what)
  if not url.is_absolute(path) then
    if not parent.base then
      errors.usage(1, "%s: %s is not an absolute URL (start with http:// or https://, "
        .. "or use a client with a base)", what, errors.show(path))
    end
    return url.join(parent.base, path), parent
  end
  if parent.base and core.origin(path) ~= parent.origin then
    plan.origin(path, what)
    return path, plan.for_foreign(parent)
  end
  return path, parent
end

--- Variables come first: they may stand anywhere in the path.
local function filled(parent, path, opts, what)
  local own = opts and opts.vars
  if own == nil then return url.fill(path, parent.vars, nil, what) end
  if not options.is_table(own) then
    errors.usage(1, "%s: vars must be a table, got %s", what, errors.show(own))
  end
  local vars = own
  if parent.vars then
    vars = {}
    for name, value in pairs(parent.vars) do vars[name] = value end
    for name, value in pairs(own) do vars[name] = value end
  end
  return url.fill(path, vars, own, what)
end

--- The plan and the full URL of one call.
---@param parent aggr.Plan
---@param path string|table
---@param opts table?
---@param what string the called function
---@return aggr.Plan, string url
function request.prepare(parent, path, opts, what)
  if type(path) ~= "string" then path, opts = split(path, opts, what) end
  if path == "" and not parent.base then errors.usage(1, "%s: the URL is empty", what) end
  if opts ~= nil and (not options.is_table(opts)) then
    errors.usage(1, "%s: options must be a table, got %s", what, errors.show(opts))
  end
  if parent.vars or opts and opts.vars ~= nil then path = filled(parent, path, opts, what) end
  local full, base = locate(parent, path, what)
  local own = opts and plan.call(base, opts, what) or base
  if own.query_text then full = url.with_query(full, own.query_text) end
  return own, full
end

local function refuse_as(path, opts, what)
  local as = options.is_table(path) and path.as or options.is_table(opts) and opts.as
  if as then
    errors.usage(1, "%s: 'as' is for sources; this call always gives %s", what,
      what:find("json$") and "the decoded body" or "a Response")
  end
end

--- One request; its Response.
---@param parent aggr.Plan
---@param path string|aggr.Request
---@param opts aggr.Options?
---@param what string
---@return aggr.Response
function request.fetch(parent, path, opts, what)
  if opts ~= nil or type(path) == "table" then refuse_as(path, opts, what) end
  return fetch.run(request.prepare(parent, path, opts, what))
end

--- One request; its decoded body, nil for 204.
---@param parent aggr.Plan
---@param path string|aggr.Request
---@param opts aggr.Options?
---@param what string
---@return any
function request.json(parent, path, opts, what)
  if opts ~= nil or type(path) == "table" then refuse_as(path, opts, what) end
  local own, full = request.prepare(parent, path, opts, what)
  return fetch.decoded(fetch.run(own, full))
end

--- A source as a function. A URL or request table is checked here and now (kind `usage`); its
--- function returns the value, nil, the number of attempts and the transport. A function is its own.
---@param source string|aggr.Request|function
---@param client aggr.Client?
---@param key any        its key, for messages
---@param what string?   the called function, for messages
---@return function
function request.from_source(source, client, key, what)
  local kind = type(source)
  if kind == "function" then return source end
  local parent = request.plan(client, what or "aggr.all")
  local name = key == nil and (what or "source") or "source " .. errors.show(key)
  if kind ~= "string" and kind ~= "table" then
    errors.usage(1, "%s must be a URL, a request table or a function, got %s", name,
      errors.show(source))
  end
  local own, full = request.prepare(parent, source, nil, name)
  plan.origin(full, name)
  return function()
    local res = fetch.run(own, full)
    return fetch.value(own, res), nil, res.attempts, res.transport
  end
end

return request
