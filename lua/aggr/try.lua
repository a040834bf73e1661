--- aggr.try: an error as a value.
local errors = require "aggr.errors"
local request = require "aggr.request"
local scope = require "aggr.scope"

--- A URL with options is a request table.
local function with_options(source, opts)
  if opts == nil then return source end
  if type(source) ~= "string" or type(opts) ~= "table" then
    errors.usage(1, "aggr.try: options go into the request table, or in a table behind a URL")
  end
  local merged = { url = source }
  for name, value in pairs(opts) do merged[name] = value end
  return merged
end

local function value_only(value, err)
  return value, err
end

--- The values of fn(...), or the value of a source as in aggr.all (a URL, a URL and options, or a
--- request table); or nil and the Error. A cancellation is no error and goes on; misuse of a source
--- (kind `usage`) is raised.
---@param what function|string|table
---@return any ... the values, or nil and an aggr.Error
local function try(what, ...)
  if type(what) == "function" then return scope.try(what, ...) end
  if type(what) ~= "string" and type(what) ~= "table" then
    errors.usage(1, "aggr.try takes a function or a source, got %s", errors.show(what))
  end
  local run = request.from_source(with_options(what, (...)), nil, nil, "aggr.try")
  return value_only(scope.try(run))
end

return try
