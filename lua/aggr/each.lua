--- aggr.each: run a function for every item of an input of any length; nothing is kept.
local collect = require "aggr.collect"
local errors = require "aggr.errors"
local json = require "aggr.json"
local need = require "aggr.need"
local options = require "aggr.options"
local report = require "aggr.report"
local scope = require "aggr.scope"
local sources = require "aggr.sources"

local KNOWN = options.declare("aggr.each", 3, { limit = true, deadline = true, timeout = true, need = true })
local MOST_ERRORS = 100

---@class aggr.EachOptions: aggr.CollectOptions
---@field need true|integer|nil

local Job = { settles = true }
Job.__index = Job

-- The three inputs. Each spawns the child for the next item, or gives nil when there is none.

local function next_of_list(job, s)
  local i = job.started + 1
  if i > job.length then return nil end
  return s:spawn(job.fn, job.input[i], i)
end

local function next_of_channel(job, s)
  local value = job.input:recv()
  if value == nil then return nil end
  return s:spawn(job.fn, value)
end

local function spawn_with(job, s, ...)
  if (...) == nil then return nil end
  return s:spawn(job.fn, ...)
end

local function next_of_iterator(job, s)
  return spawn_with(job, s, job.input())
end

function Job:start(s)
  local task = self.next(self, s)
  if not task then return false end
  self.started = self.started + 1
  task.key = self.started
  return true
end

local function note_failure(job, kind, err)
  job.by_kind[kind] = (job.by_kind[kind] or 0) + 1
  if err and #job.errors < MOST_ERRORS then job.errors[#job.errors + 1] = err end
end

function Job:settle(state, _, err, key)
  if state == "ok" then
    self.succeeded = self.succeeded + 1
  elseif state == "error" then
    if not err.source then err.source = key end
    note_failure(self, err.kind, err)
    if self.need and self.need:lose(key) then
      self.first_lost = self.first_lost or err
      self.scope:cancel()
    end
  elseif state == "partial" then
    self.partial = self.partial + 1
  else
    self.cut_keys = self.cut_keys or {}
    self.cut_keys[#self.cut_keys + 1] = key
  end
end

--- Children that were cut off, as failures. No more than `limit` were running.
local function note_cut_off(job)
  local why = collect.why(job)
  for _, key in ipairs(job.cut_keys or {}) do
    note_failure(job, why.kind, errors.new(why.kind, "cut off: " .. why.text, { source = key }))
  end
end

local function made_report(job)
  local total = math.max(job.started, job.length or 0)
  return report.counts {
    complete = job.fed and job.succeeded == total or false,
    total = total,
    succeeded = job.succeeded,
    failed = total - job.succeeded,
    elapsed = scope.now() - job.opened,
    by_kind = job.by_kind,
    errors = job.errors,
  }
end

local function check_need(job, made)
  local wanted = job.need.count
  if job.succeeded + job.partial >= (wanted or made.total) and (wanted or job.fed) then return end
  local first = job.first_lost or job.errors[1]
  if first then collect.raise(first, first.source, made, made.errors) end
  if wanted and job.fed then
    errors.usage(1, "aggr.each: need = %d, but there were only %d items", wanted, made.total)
  end
  local why = collect.why(job)
  collect.raise(errors.new(why.kind, "not all items came: " .. why.text, { where = errors.where() }), nil, made, {})
end

local function is_callable(value)
  local meta = type(value) ~= "function" and getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

local function open_input(job, input)
  local meta = type(input) == "table" and getmetatable(input)
  if meta and meta.__name == "aggr.Channel" then
    job.next = next_of_channel
  elseif is_callable(input) then
    job.next = next_of_iterator
  elseif type(input) == "table" then
    local keys, length = sources.keys(input, "aggr.each")
    if keys then
      errors.usage(1, "aggr.each takes a list, a channel or an iterator (aggr.map takes named tables)")
    end
    job.next, job.length = next_of_list, length
  else
    errors.usage(1, "aggr.each takes a list, a channel or an iterator, got %s", errors.show(input))
  end
end

--- `input` is a list (fn(item, index)), a channel (fn(item)) or an iterator (fn gets all values it
--- yields; it ends with the first nil). The next item is taken only when a child may start, so
--- memory doesn't grow with the number of items. An error of the iterator itself cancels the
--- children and is raised.
---@param input any[]|aggr.Channel|fun(): any, ...
---@param fn fun(...: any): any
---@param opts aggr.EachOptions?
---@return aggr.Report report counts, `by_kind` and the first 100 `errors`
local function each(input, fn, opts)
  local job = setmetatable(collect.options(opts, KNOWN, "aggr.each"), Job)
  if type(fn) ~= "function" then
    errors.usage(1, "aggr.each: the second argument must be a function(item), got %s", errors.show(fn))
  end
  open_input(job, input)
  job.input, job.fn = input, fn
  need.refuse_keys(job.given.need, "aggr.each")
  job.need = need.compile(job.given.need, "aggr.each", job.length)
  job.started, job.succeeded, job.partial, job.opened = 0, 0, 0, scope.now()
  job.by_kind, job.errors = {}, json.array {}
  collect.run(job)
  note_cut_off(job)
  local made = made_report(job)
  if job.need then check_need(job, made) end
  return report.note(made)
end

return each
