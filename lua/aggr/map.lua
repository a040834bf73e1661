--- aggr.map: run a function over a table of items concurrently and settle every call.
local errors = require "aggr.errors"
local gather = require "aggr.gather"
local json = require "aggr.json"
local options = require "aggr.options"

local KNOWN = options.declare("aggr.map", 3,
  { limit = true, deadline = true, timeout = true, need = true, fallback = true })

local function spawn(job, s, _, key)
  return s:spawn(job.fn, job.input[key], key)
end

--- As aggr.all, with fn(item, key) for a source. Order and keys are kept; items beyond `limit` are
--- not even started before others have ended.
---@param list table a list or a named table
---@param fn fun(item: any, key: any): any
---@param opts aggr.MapOptions?
---@return table data
---@return aggr.Report report
local function map(list, fn, opts)
  local job = gather.job(list, opts, KNOWN, "aggr.map")
  if type(fn) ~= "function" then
    errors.usage(1, "aggr.map: the second argument must be a function(item, key), got %s", errors.show(fn))
  end
  job.fn, job.spawn = fn, spawn
  local data, made = gather.run(job)
  return job.keys and data or json.array(data), made
end

return map
