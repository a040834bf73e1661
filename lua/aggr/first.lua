--- aggr.first: the first success wins, the other sources are cancelled and waited for.
local collect = require "aggr.collect"
local errors = require "aggr.errors"
local json = require "aggr.json"
local options = require "aggr.options"
local report = require "aggr.report"
local sources_of = require "aggr.sources"

local KNOWN = options.declare("aggr.first", 2,
  { client = true, limit = true, deadline = true, timeout = true, count = true })

---@class aggr.FirstOptions: aggr.CollectOptions
---@field client aggr.Client?
---@field count integer? how many successes are wanted (1)

local Job = {}
Job.__index = Job

function Job:start(s)
  local i = self.at + 1
  if i > self.total then return false end
  self.at = i
  self.record:start(i)
  s:spawn(self.runs[i], self.record:key(i)).key = i
  return true
end

function Job:settle(state, value, err, i, task)
  local record = self.record
  record:finish(i, state, err, sources_of.carried(self, i, task, err))
  if state == "ok" or state == "partial" then
    if #self.keys_won == self.wanted then return end
    local n = #self.keys_won + 1
    self.keys_won[n], self.values[n] = record:key(i), value == nil and json.null or value
    self.last_value = value
    if n == self.wanted then
      self.may_return_late, self.enough = true, "others were faster"
      self.scope:cancel()
    end
  elseif state == "error" then
    if not err.source then err.source = record:key(i) end
    self.spare = self.spare - 1
    if self.spare < 0 then
      self.enough = "too many others had failed"
      self.scope:cancel()
    end
  end
end

local function raise(job, made)
  local record, real = job.record, {}
  for _, i in ipairs(record.order) do
    if record.states[i] == "error" then real[#real + 1] = i end
  end
  local others = {}
  for n, i in ipairs(real) do others[n] = record:error(i) end
  if job.reason == "deadline" then
    local err = errors.new("deadline", collect.why(job).text, { where = errors.where() })
    collect.raise(err, nil, made, others)
  end
  collect.raise(others[1], record:key(real[1]), made, others)
end

local function check_count(job, count)
  if count == nil then return 1 end
  options.count(count, 1, "aggr.first: count")
  if count > job.total then
    errors.usage(1, "aggr.first: count = %d, but there are only %d sources", count, job.total)
  end
  return count
end

--- Sources are those of aggr.all. With `count = n`, value and key are lists of the first n, in the
--- order they came (nil as aggr.null). When fewer can succeed it raises the first Error with the
--- others in `.suppressed`; at its deadline kind `deadline`. Both have `.report`, where losers'
--- Errors are. No sources at all is a usage error.
---@param sources table
---@param opts aggr.FirstOptions?
---@return any value
---@return any key
---@return aggr.Report report
local function first(sources, opts)
  local keys, total = sources_of.keys(sources, "aggr.first")
  local job = setmetatable(collect.options(opts, KNOWN, "aggr.first"), Job)
  if total == 0 then errors.usage(1, "aggr.first: there are no sources") end
  job.keys, job.total, job.at = keys, total, 0
  job.wanted = check_count(job, job.given.count)
  job.spare = total - job.wanted
  job.input = sources
  job.runs = sources_of.runs(job)
  job.record, job.keys_won, job.values = report.record(total, keys), {}, {}
  collect.run(job)
  job.record.why = collect.why(job)
  local made = job.record:report(#job.keys_won == job.wanted)
  if not made.complete then raise(job, made) end
  if job.given.count then return job.values, job.keys_won, made end
  return job.last_value, job.keys_won[1], made
end

return first
