--- aggr.report: how the sources of one call ended.
--
-- While a call runs, a Record keeps flat lists indexed by the number of the source. When it ends,
-- `record:report()` makes the Report people see. The entries in `report.sources` are made when that
-- field is first read (the JSON encoder reads it); until then nothing is built.
local core = require "aggr.core.task"
local errors = require "aggr.errors"
local json = require "aggr.json"
local scope = require "aggr.scope"

local report = {}

---@class aggr.Report
---@field complete boolean        every source ended `ok` (`first`: it has what it was asked for)
---@field total integer
---@field succeeded integer       sources that ended `ok`
---@field failed integer          total - succeeded: a source that has a fallback counts as failed
---@field elapsed number          seconds
---@field order any[]?            keys as they finished (not in `each`)
---@field sources table<any, aggr.Entry>?  by key (not in `each`)
---@field by_kind table<string, integer>?  failures by kind (only in `each`)
---@field errors aggr.Error[]?    the first 100 (only in `each`)

---@class aggr.Entry
---@field state "ok"|"partial"|"error"|"deadline"|"cancelled"|"skipped"|"fallback"|"stale"
---@field elapsed number?         seconds since it started; nil when it never did
---@field attempts integer?       of the request, where the source is one
---@field transport string?       what carried the last: "native", "curl" or "fake"; nil when nothing was sent
---@field error aggr.Error?

local NAME = "aggr.Report"

local followed, incomplete -- a task, and the last incomplete report that `note` was given in it

--- What the JSON encoder walks over: the report with all its fields there.
local function with_sources(value)
  local _ = value.sources
  return value
end

local Counts = { __name = NAME, __json = with_sources } -- metatable of reports without entries

local Record = {}
Record.__index = Record

---@return boolean
function report.is(value)
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, "__name") == NAME
end

--- Remember the incomplete reports of calls that `task` (the main one) makes: they decide the exit
--- code of a script that returns none.
---@param task any as aggr.core.task's current gives it
function report.follow(task)
  followed = task
end

--- A call of the running task has ended with this report. Returns it.
---@param made aggr.Report
---@return aggr.Report
function report.note(made)
  if followed and not made.complete and core.current() == followed then incomplete = made end
  return made
end

---@return aggr.Report?
function report.last_incomplete()
  return incomplete
end

--- A report of counts only.
---@param fields table
---@return aggr.Report
function report.counts(fields)
  return setmetatable(fields, Counts)
end

--- A record of `total` sources. `keys[i]` is the key of number i; nil for a list.
---@param total integer
---@param keys any[]?
function report.record(total, keys)
  return setmetatable({
    total = total,
    keys = keys,
    opened = scope.now(),
    succeeded = 0,
    states = {},  -- [i]: nil while unstarted or running
    times = {},   -- [i]: when it started; from its end on how long it took
    errors = {},  -- [i]: only of those that failed
    attempts = {},-- [i]: only where known
    transports = {}, -- [i]: only where known
    order = {},   -- numbers as they ended
    ended = 0,
  }, Record)
end

function Record:key(i)
  return self.keys and self.keys[i] or i
end

function Record:start(i)
  self.times[i] = scope.now()
end

---@param i integer
---@param state string
---@param err aggr.Error?
---@param attempts integer?
---@param transport string?
function Record:finish(i, state, err, attempts, transport)
  self.times[i] = scope.now() - self.times[i]
  self.states[i], self.errors[i], self.attempts[i], self.transports[i] = state, err, attempts, transport
  self.ended = self.ended + 1
  self.order[self.ended] = i
  if state == "ok" then self.succeeded = self.succeeded + 1 end
end

--- Source number i has got a fallback.
function Record:fall_back(i)
  self.states[i] = "fallback"
end

--- The Error of a source that has no value of its own. Those that were cut off get one here, when
--- somebody asks.
---@param i integer
---@return aggr.Error?
function Record:error(i)
  local err = self.errors[i]
  if err == nil then
    local state = self.states[i]
    if state == "ok" or state == "partial" then return nil end
    local why = self.why or { kind = "cancelled", text = "the call was cancelled" }
    local begun = state and "cut off: " or "not started: "
    err = errors.new(why.kind, begun .. why.text, { source = self:key(i) })
    self.errors[i] = err
  end
  return err
end

local function entries(record)
  local sources = {}
  for i = 1, record.total do
    local state = record.states[i]
    sources[record:key(i)] = {
      state = state or "skipped",
      elapsed = state and record.times[i],
      attempts = record.attempts[i],
      transport = record.transports[i],
      error = record:error(i),
    }
  end
  return sources
end

local function order(record)
  if not record.keys then return json.array(record.order) end
  local list = json.array {}
  for n, i in ipairs(record.order) do list[n] = record.keys[i] end
  return list
end

--- The Report, once the call has ended.
---@param complete boolean? when it isn't simply that all succeeded
---@return aggr.Report
function Record:report(complete)
  if complete == nil then complete = self.succeeded == self.total end
  local record = self
  local meta = { __name = NAME, __json = with_sources }
  function meta.__index(this, name)
    if name ~= "sources" or not record then return nil end
    this.sources = entries(record)
    record, meta.__index = nil, nil
    return rawget(this, "sources")
  end
  return setmetatable({
    complete = complete,
    total = self.total,
    succeeded = self.succeeded,
    failed = self.total - self.succeeded,
    elapsed = scope.now() - self.opened,
    order = order(self),
  }, meta)
end

return report
