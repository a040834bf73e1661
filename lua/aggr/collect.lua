--- aggr.collect: the engine under all, map, each and first.
--
-- A job is a table its caller makes and the engine runs once:
--
--   limit, deadline, timeout   checked options (collect.options)
--   start(job, s) -> boolean   spawns the next child into scope `s`; false when none is left
--   settle(job, state, value, err, key, task)
--                              a child has ended; called in its task, so it must not yield
--   settles                    a run cut short ends it as its own deadline would (R28)
--   may_return_late            what the job has counts although the scope outside is cancelled
--
-- Afterwards the engine has set job.reason (why the job's own scope was cancelled, or nil), job.cut
-- (the run was cut short) and job.cut_off (how: a child's state, or "skipped" when only the feeding
-- was stopped; false when all came to their own end).
--
--   run: open scope -> feed (never more than `limit` alive) -> join -> close
local core = require "aggr.core.task"
local duration = require "aggr.duration"
local errors = require "aggr.errors"
local options = require "aggr.options"
local report = require "aggr.report"
local scope = require "aggr.scope"

local collect = {}

---@class aggr.CollectOptions
---@field limit integer? children running at once (64)
---@field deadline number|string? at it the call ends with what it has
---@field timeout number|string|false? default attempt time-out of requests made inside

---@class aggr.MapOptions: aggr.CollectOptions
---@field need true|integer|any[]|nil what the caller can't do without: all, so many, these keys
---@field fallback table|nil|fun(key: any, err: aggr.Error): any by key

---@class aggr.AllOptions: aggr.MapOptions
---@field client aggr.Client? sends the sources that are URLs or request tables

local LIMIT = 64

--- The options that all collect calls share, checked and compiled.
---@param given table?
---@param known table<string, boolean>
---@param what string the called function
---@return table job
function collect.options(given, known, what)
  given = options.check(given, known, what)
  local job = { what = what, limit = LIMIT, given = given }
  if given.limit ~= nil then job.limit = options.count(given.limit, 1, what .. ": limit") end
  if given.deadline ~= nil and given.deadline ~= false then
    job.deadline = duration.from_now(given.deadline, what .. ": deadline")
  end
  if given.timeout ~= nil then job.timeout = duration.limit(given.timeout, what .. ": timeout") end
  return job
end

--- How a task ended, as a state of the report: a source may also *return* a failure (nil and an
--- Error) or a part of what it has (a value and an incomplete report).
local function outcome(task)
  local state = task.state
  if state == "ok" then
    local second = task.n > 1 and task.values[2] or nil
    if second == nil then return "ok", task.value end
    if task.value == nil and errors.is(second) then return "error", nil, second end
    if report.is(second) and not second.complete then return "partial", task.value end
    return "ok", task.value
  end
  if state == "error" then return "error", nil, task.error end
  return task.reason == "deadline" and "deadline" or "cancelled", nil, nil
end

local function on_end(s, task)
  local job = s.job
  local state, value, err = outcome(task)
  if err and err.kind == "usage" then
    s:fail(err)
    s:cancel()
  end
  if state == "deadline" or state == "cancelled" then job.cut_off = state end
  job:settle(state, value, err, task.key, task)
end

local function feed(job, s)
  local limit = job.limit
  repeat
    if s.live >= limit then
      repeat s:wait_any() until s.live < limit
      core.check()
    end
  until not job:start(s)
  job.fed = true
end

--- Runs the job's children and waits for them all. Raises what isn't the job's to settle: misuse
--- and other errors of the feeding itself, and a cancellation from outside that cut the job off.
---@param job table
function collect.run(job)
  core.check()
  local s = scope.open { deadline = job.deadline, timeout = job.timeout }
  local source, line = core.place()
  s.source, s.line = source or false, line
  s.job, s.on_end, job.scope = job, on_end, s
  local ok, err = pcall(feed, job, s)
  if not ok then
    if not core.is_cancel(err) then s:fail(errors.wrap(err)) end
    s:cancel()
  end
  s:join()
  local outer = s:outer_cancelled()
  job.cut = job.settles and s:cut_short()
  job.reason = s:close()
  job.cut_off = job.cut_off or not job.fed and "skipped"
  local failure = s:first_error()
  if failure then error(failure, 0) end
  if outer and job.cut_off and not job.cut and not job.may_return_late then error(core.CANCEL, 0) end
end

--- Why sources were cut off, for their Errors: kind and text.
---@param job table
---@return { kind: string, text: string }
function collect.why(job)
  if job.cut then
    return { kind = job.cut_off == "deadline" and "deadline" or "cancelled", text = "the run was cut short" }
  end
  if job.reason == "deadline" then
    return { kind = "deadline", text = ("%s has a deadline of %g s"):format(job.what, job.deadline) }
  end
  return { kind = "cancelled", text = job.enough or "the call was cancelled" }
end

--- Raise `err`, which came from source `key`, with the report and all that also failed.
---@param err aggr.Error
---@param key any
---@param made aggr.Report
---@param others aggr.Error[]
function collect.raise(err, key, made, others)
  err.source, err.report = key, made
  if not err.where then err.where, err.called = errors.where() end
  for _, other in ipairs(others) do errors.suppress(err, other) end
  error(err, 0)
end

return collect
