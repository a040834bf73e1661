--- aggr.gather: what all and map share: every source has a key, a value and an entry.
--
--   options -> run (children settle: values into data, losses against `need`)
--           -> fallbacks, in the caller and in key order -> need -> data, report
--
-- A fallback function runs after all children have ended, outside of the call's own deadline. If it
-- fails, its Error is suppressed by the source's own and the source stays lost; kind `usage` and a
-- cancellation go on to the caller.
local collect = require "aggr.collect"
local core = require "aggr.core.task"
local errors = require "aggr.errors"
local json = require "aggr.json"
local need = require "aggr.need"
local options = require "aggr.options"
local report = require "aggr.report"
local sources = require "aggr.sources"

local gather = {}

local Job = { settles = true }
Job.__index = Job

local function check_keys(each, fallback, what, numbers, total)
  for key in each(fallback) do need.number(what, "fallback", key, numbers, total) end
end

local function check_fallback(fallback, what, numbers, total)
  if fallback == nil or type(fallback) == "function" then return fallback end
  if type(fallback) ~= "table" or errors.is(fallback) then
    errors.usage(1, "%s: fallback must be a table by key or a function(key, err), got %s", what,
      errors.show(fallback))
  end
  options.each(check_keys, fallback, what, numbers, total)
  return fallback
end

--- A job over a table of things.
---@param input table
---@param given table?
---@param known table<string, boolean>
---@param what string the called function
---@return table job
function gather.job(input, given, known, what)
  local keys, total = sources.keys(input, what)
  local job = setmetatable(collect.options(given, known, what), Job)
  local numbers = sources.numbers(keys)
  job.input, job.keys, job.total, job.at = input, keys, total, 0
  job.fallback = check_fallback(job.given.fallback, what, numbers, total)
  job.need = need.compile(job.given.need, what, total, numbers)
  return job
end

--- Number i has a value, or a fallback that may give one.
local function is_covered(job, i)
  local fallback = job.fallback
  return type(fallback) == "function" or fallback ~= nil and fallback[job.record:key(i)] ~= nil
end

function Job:start(s)
  local i = self.at + 1
  if i > self.total then return false end
  self.at = i
  self.record:start(i)
  self:spawn(s, i, self.record:key(i)).key = i
  return true
end

function Job:settle(state, value, err, i, task)
  local record = self.record
  local attempts, transport
  if self.carried then attempts, transport = self:carried(i, task, err) end
  record:finish(i, state, err, attempts, transport)
  if state == "ok" or state == "partial" then
    if value == nil and not self.keys then value = json.null end
    self.data[record:key(i)] = value
  elseif state == "error" then
    if not err.source then err.source = record:key(i) end
    if self.need and not is_covered(self, i) and self.need:lose(i) then
      self.enough = "what is needed was lost"
      self.scope:cancel()
    end
  end
end

--- Calls fn for each source without a value: those that ended as they did, then the unstarted.
local function each_lost(job, fn)
  local states = job.record.states
  for _, i in ipairs(job.record.order) do
    if states[i] ~= "ok" and states[i] ~= "partial" and states[i] ~= "fallback" then fn(i) end
  end
  for i = 1, job.total do
    if not states[i] then fn(i) end
  end
end

--- The fallback for number i, or nil.
local function fallback_for(job, i)
  local fallback, key = job.fallback, job.record:key(i)
  if type(fallback) == "table" then return fallback[key] end
  local err = job.record:error(i)
  local ok, value = pcall(fallback, key, err)
  if ok then return value end
  if core.is_cancel(value) then
    if job.cut then return nil end
    error(value, 0)
  end
  local failure = errors.wrap(value)
  if failure.kind == "usage" then error(failure, 0) end
  errors.suppress(err, failure)
  return nil
end

local function fall_back(job)
  local lost = {}
  each_lost(job, function(i) lost[#lost + 1] = i end)
  table.sort(lost)
  for _, i in ipairs(lost) do
    local value = fallback_for(job, i)
    if value ~= nil then
      job.data[job.record:key(i)] = value
      job.record:fall_back(i)
    end
  end
end

--- Raise the first loss that matters, when what is needed isn't there.
local function check_need(job)
  local unmet = job.enough ~= nil
  if not unmet then
    job.need:reset()
    each_lost(job, function(i) unmet = job.need:lose(i) or unmet end)
  end
  if not unmet then return end
  local record = job.record
  local others = {}
  each_lost(job, function(i)
    local state = record.states[i]
    if state == "error" or state == "deadline" then others[#others + 1] = record:error(i) end
  end)
  local first = job.need.first
  collect.raise(record:error(first), record:key(first), record:report(), others)
end

--- Runs the job whose `spawn(job, s, i, key) -> task` the caller has set.
---@param job table
---@return table data
---@return aggr.Report report
function gather.run(job)
  local record = report.record(job.total, job.keys)
  job.record, job.data = record, {}
  if not job.keys then
    for i = 1, job.total do job.data[i] = false end
  end
  collect.run(job)
  record.why = collect.why(job)
  if record.succeeded < job.total then
    if job.fallback then fall_back(job) end
    if job.need then check_need(job) end
  end
  return job.data, report.note(record:report())
end

return gather
