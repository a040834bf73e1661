--- aggr.sources: tables of sources, checked before the first one starts.
local errors = require "aggr.errors"
local options = require "aggr.options"
local request = require "aggr.request"

local sources = {}

local REFUSED = {
  aggr = true, ["aggr.Channel"] = true, ["aggr.Client"] = true, ["aggr.Error"] = true, ["aggr.Group"] = true,
  ["aggr.Report"] = true, ["aggr.Response"] = true, ["aggr.Task"] = true,
}

local function check_table(value, what)
  local meta = getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  if type(value) ~= "table" or REFUSED[name] then
    errors.usage(1, "%s takes a table, got %s", what, errors.show(value))
  end
end

local function check_list(list, total, what)
  for i = 1, total do
    if list[i] == nil then errors.usage(1, "%s: the list has a hole at %d", what, i) end
  end
end

local function refuse_key(what, key, others)
  if type(key) == "string" or type(key) == "number" then
    errors.usage(1, "%s: the table mixes a list with names, see the key %s", what, errors.show(key))
  end
  errors.usage(1, "%s: keys must be 1..n or all strings, got the key %s%s", what, errors.show(key),
    others > 0 and " among others" or "")
end

--- Its keys: the names, how many numbers there are and the highest.
local function sorted_out(each, value, what)
  local names, listed, highest = {}, 0, 0
  for key in each(value) do
    if type(key) == "string" then
      names[#names + 1] = key
    elseif type(key) == "number" and key % 1 == 0 and key >= 1 then
      listed = listed + 1
      if key > highest then highest = key end
    else
      refuse_key(what, key, #names + listed)
    end
  end
  if #names > 0 and listed > 0 then refuse_key(what, names[1], 0) end
  return { names = names, listed = listed, highest = highest }
end

--- The sorted names of a named table, or nil and the length of a list.
---@param value table
---@param what string the called function
---@return string[]? keys
---@return integer total
function sources.keys(value, what)
  check_table(value, what)
  local found = options.each(sorted_out, value, what)
  local names, listed, highest = found.names, found.listed, found.highest
  if #names > 0 then
    table.sort(names)
    return names, #names
  end
  if highest > listed then check_list(value, highest, what) end
  return nil, listed
end

--- The number of each key; nil for a list.
---@param keys string[]?
---@return table<string, integer>?
function sources.numbers(keys)
  if not keys then return nil end
  local numbers = {}
  for i, key in ipairs(keys) do numbers[key] = i end
  return numbers
end

--- What runs each source, in order, checked: functions that get their key.
---@param job { input: table, keys: string[]?, total: integer, what: string, given: table }
---@return function[] runs
function sources.runs(job)
  local runs, client = {}, job.given.client
  request.plan(client, job.what)
  for i = 1, job.total do
    local key = job.keys and job.keys[i] or i
    runs[i] = request.from_source(job.input[key], client, key, job.what)
  end
  return runs
end

--- How source number i was carried, where it is a request (its function's third and fourth values):
--- the number of attempts, and the transport of the last.
---@param job table
---@param i integer
---@param task aggr.Task
---@param err aggr.Error?
---@return integer? attempts, string? transport
function sources.carried(job, i, task, err)
  if job.runs[i] == job.input[job.record:key(i)] then return nil end
  if err then return err.attempt or 1, err.transport end
  if task.n > 3 then return task.values[3], task.values[4] end
end

return sources
