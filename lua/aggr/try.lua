--- aggr.try: an error as a value.
local core = require "aggr.core.task"
local errors = require "aggr.errors"
local request = require "aggr.request"

local function settle(ok, ...)
  if ok then return ... end
  local err = ...
  if core.is_cancel(err) then error(err, 0) end
  return nil, errors.wrap(err)
end

--- The values of fn(...), or of a source as in aggr.all (a URL or a request table); or nil and the
--- Error. A cancellation is no error and goes on.
---@param what function|string|table
---@return any ... the values, or nil and an aggr.Error
local function try(what, ...)
  if type(what) == "string" or type(what) == "table" then
    return settle(pcall(request.from_source(what, ...)))
  end
  if type(what) ~= "function" then
    errors.usage(1, "aggr.try takes a function or a source, got %s", errors.show(what))
  end
  return settle(pcall(what, ...))
end

return try
