--- aggr.scope: tasks, scopes, cancellation and deferred functions (semantics.md R1-R22).
--
-- Public (re-exported by aggr): group(fn) deadline(seconds, fn, ...) shield(seconds, fn, ...)
-- defer(fn) sleep(seconds) now() try(fn, ...).  `now` is monotonic seconds.
--
-- For the collect calls (all, map, each, first):
--
--   local s = scope.open{ deadline = seconds?, shield = seconds?, timeout = seconds? }
--       A child of the running task's current scope, current from now on.
--   local task = s:spawn(fn, ...)
--       Queues a task that runs fn(...). Fields:
--         task.state    "running" "ok" "error" "cancelled"
--         task.reason   why, when cancelled: "cancelled" "deadline" "signal"
--         task.n, task.value, task.values   how many results, the first, all (a list; only if n > 1)
--         task:results()                    all of them, unpacked
--         task.error    the Error, when state is "error"
--         task.key      the caller's to use
--       An end with task.state "cancelled" is never an error of the scope.
--   s.on_end = function(s, task)
--       Called in the ending task after its defers, before the scope counts it as ended. It must
--       not yield or raise. Without it, a task's error is added to s.errors and cancels the scope.
--   s:run(fn, ...) -> true, values... | false, err
--       Runs fn as a body of this scope: with defers, non-Errors made Errors. err is an Error or
--       the cancel token (task.is_cancel(err)). Never raises.
--   s:join()
--       Waits, uncancellably, until no task of the scope lives. Spawning goes on meanwhile. The
--       error of a run in which nothing can ever happen again (R27) is added to s.errors and
--       cancels the scope.
--   s:wait_any()
--       Waits until a task of the scope has ended since the last call; raises the cancel token.
--   s:cancel(reason)         reason "cancelled" when left out; the first one stays
--   s:reason()               why the scope itself is cancelled, or nil
--   s:outer_cancelled()      true when a cancellation from outside is visible
--   s:cut_short()            true when the run is cut short (R28), no shield hides it, and the scope
--                            was opened by the main task: end as at an own deadline
--   s.live                   tasks of the scope that have not ended
--   s.errors                 real errors so far, in order; s:fail(err) adds one (none twice)
--   s:close() -> reason      why the scope itself was cancelled, or nil. Tasks must have ended.
--                            The scope outside becomes current again.
--   s:leave(ok, ...)         join, close, then trio's rule: raise the first error with the others
--                            suppressed; swallow an own cancellation (deadline: raise kind
--                            deadline); pass on an outer one; otherwise return the values.
--   Typical:  return s:leave(s:run(fn, ...))
--
-- Waits of one's own (channels): core.task, see bind/task.c:
--   task.check()                          checkpoint on entry: raises the cancel token
--   local me = task.current()             a handle; table key, valid after the task's end
--   task.park()                           wait; then AT ONCE:
--   local woken, err = task.parked()      true, or false and what to raise after tidying up
--   task.unpark(me) -> boolean            false when me is not parked (any more): choose another
--   task.unpark(me) once is one wake-up; whoever is unparked is no longer cancellable in that wait.


local core = require "aggr.core.task"
local core_scope = require "aggr.core.scope"
local clock = require "aggr.core.clock"
local body = require "aggr.body"
local duration = require "aggr.duration"
local guard = require "aggr.core.guard"
local errors = require "aggr.errors"
local tail = require "aggr.tail"
local task = require "aggr.task"

local CANCEL = core.CANCEL
local take, parked, park, unpark = core.take, core.parked, core.park, core.unpark
local current, self_task = core.current, core.self
local raw_pcall, raw_xpcall, running = pcall, xpcall, coroutine.running
local isyieldable = coroutine.isyieldable
local as_error, border = body.as_error, body.border

local scope = {}

---@class aggr.Scope
local Scope = { __name = "aggr.Scope" }
Scope.__index = Scope

--- A scope of the running task, current from now on.
---@param opts { deadline: number?, shield: number?, timeout: number? }?
---@return aggr.Scope
function scope.open(opts)
  local me = self_task()
  if not me then errors.usage(1, "scopes need a task to run in") end
  if me.unyielding or not isyieldable() then scope.blocked() end
  local box
  if opts then box = core_scope.open(opts.deadline, opts.shield, opts.timeout) else box = core_scope.open() end
  local s = setmetatable({
    core = box, live = 0, ends = 0, seen = 0, outer = me.top, owner = me, co = running(),
  }, Scope)
  me.top = s
  return s
end

---@return aggr.Task
function Scope:spawn(fn, ...)
  if self.closed then errors.usage(1, "cannot spawn: the scope has ended") end
  local spawned = task.spawn(self, fn, ...)
  self.live = self.live + 1
  return spawned
end

--- Note a real error, once.
function Scope:fail(err)
  local list = self.errors
  if not list then
    self.errors = { err }
    return
  end
  for i = 1, #list do
    if rawequal(list[i], err) then return end
  end
  list[#list + 1] = err
end

--- A task of the scope has ended; called in it, last of all.
function Scope:ended(ended, lost)
  if self.on_end then
    local ok, err = raw_pcall(self.on_end, self, ended)
    if not ok then self:fail(as_error(err)) end
  elseif ended.state == "error" then
    self:fail(ended.error)
    self:cancel()
  end
  if lost then self.lost = true end
  self.live = self.live - 1
  self.ends = self.ends + 1
  if self.live == 0 and self.joiner then unpark(self.joiner) end
  local any = self.any
  if any then
    self.any = nil -- once is enough
    unpark(any)
  end
end

local function finish(self, me, ok, ...)
  local failure
  if not ok then failure = as_error((...)) end
  if self.defers then failure = body.run_defers(self, failure) end
  me.body = self.up
  self.up, self.fn = nil, nil
  if failure ~= nil then return false, failure end
  return true, ...
end

function Scope:run(fn, ...)
  local me = self_task()
  self.up, self.fn = me.body, fn
  me.body = self
  return finish(self, me, raw_xpcall(fn, border, ...))
end

function Scope:join()
  local told_at -- how many had ended when there was word that nothing can happen any more
  while self.live > 0 do
    self.joiner = current()
    park(true)
    local woken, err = parked()
    self.joiner = nil
    if not woken then
      if told_at == self.ends then return end -- they have gone without a word: a script has written into its task
      told_at = self.ends
      self:fail(as_error(err))
      self:cancel()
    end
  end
end

function Scope:wait_any()
  if self.ends ~= self.seen or self.live == 0 then core.check() end
  while self.ends == self.seen and self.live > 0 do
    self.any = current()
    park()
    local woken, err = parked()
    self.any = nil
    if not woken then error(err, 0) end
  end
  self.seen = self.ends
end

function Scope:cancel(reason)
  if not self.closed then core_scope.cancel(self.core, reason) end
end

function Scope:reason()
  return core_scope.reason(self.core)
end

function Scope:outer_cancelled()
  return core_scope.outer_cancelled(self.core)
end

function Scope:cut_short()
  return core_scope.cut_short(self.core)
end

function Scope:close()
  local reason = core_scope.close(self.core)
  self_task().top = self.outer
  self.closed, self.outer, self.owner, self.co = true, nil, nil, nil
  return reason
end

--- The first real error with the later ones suppressed, or nil.
function Scope:first_error()
  local list = self.errors
  if not list then return nil end
  for i = 2, #list do errors.suppress(list[1], list[i]) end
  return list[1]
end

function Scope:leave(ok, ...)
  if not ok and (...) ~= CANCEL then
    self:fail((...))
    self:cancel()
  end
  self:join()
  local outer = self:outer_cancelled()
  local reason = self:close()
  local err = self:first_error()
  if err then error(err, 0) end
  if ok and not self.lost then return ... end
  if not reason or outer then error(CANCEL, 0) end
  if reason == "deadline" then errors.raise("deadline", ("the deadline of %g s passed"):format(self.seconds or 0)) end
  if ok then return ... end
end

--- What `group` hands to its function.
---@class aggr.Group
local Group = { __name = "aggr.Group" }
Group.__index = Group

local function check_group(self, method)
  if getmetatable(self) ~= Group then
    errors.usage(1, "group:%s is a method: call it with a colon", method)
  end
end

---@return aggr.Task
function Group:spawn(fn, ...)
  check_group(self, "spawn")
  if type(fn) ~= "function" then errors.usage(1, "spawn needs a function, got %s", errors.show(fn)) end
  return self.scope:spawn(fn, ...)
end

--- Cancel all tasks of the group and its body; not an error.
function Group:cancel()
  check_group(self, "cancel")
  self.scope:cancel()
end

local function need_function(fn, what)
  if type(fn) ~= "function" then errors.usage(1, "%s needs a function, got %s", what, errors.show(fn)) end
end

local function seconds_of(value, what)
  if type(value) ~= "number" then return duration.seconds(value, what) end
  if value ~= value then errors.usage(1, "%s must not be NaN", what) end
  return value
end

--- A nursery: runs fn(g), waits for all tasks spawned with g, returns fn's values.
---@generic T
---@param fn fun(g: aggr.Group): T
---@return T
function scope.group(fn)
  if type(fn) ~= "function" then errors.usage(1, "group needs a function, got %s", errors.show(fn)) end
  core.check()
  local s = scope.open()
  return s:leave(s:run(fn, setmetatable({ scope = s }, Group)))
end

--- Run fn(...) under a deadline; raises kind `deadline` when it passes.
---@param seconds number|string
function scope.deadline(seconds, fn, ...)
  seconds = seconds_of(seconds, "a deadline")
  need_function(fn, "deadline")
  local s = scope.open { deadline = seconds }
  s.seconds = seconds
  return s:leave(s:run(fn, ...))
end

--- Run fn(...) hidden from outer cancellations, for so long at most.
---@param seconds number|string
function scope.shield(seconds, fn, ...)
  seconds = seconds_of(seconds, "a shield")
  if seconds == math.huge then errors.usage(1, "a shield must end: give it seconds") end
  need_function(fn, "shield")
  local s = scope.open { shield = seconds }
  return s:leave(s:run(fn, ...))
end

--- Call fn when the innermost task, group, deadline or shield function ends, however it ends.
---@param fn fun()
function scope.defer(fn)
  if type(fn) ~= "function" then errors.usage(1, "defer needs a function, got %s", errors.show(fn)) end
  body.defer(fn)
end

--- Wait; 0 only lets the others run.
---@param seconds number|string
function scope.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds then seconds = seconds_of(seconds, "sleep") end
  core.sleep(seconds)
  return take()
end

--- Monotonic seconds.
---@return number
scope.now = clock.monotonic

local function tried(ok, ...)
  if ok then return ... end
  local err = as_error((...))
  if err == CANCEL then error(CANCEL, 0) end
  return nil, err
end

--- fn's values, or nil and the Error it raised.
function scope.try(fn, ...)
  need_function(fn, "try")
  return tried(raw_xpcall(fn, border, ...))
end

--- The place of an error that left no frame of the script on the stack: a tail call.
errors.set_fallback(function()
  local me = self_task()
  local at = me and tail.body(me)
  if at and at.co == running() then return tail.place(at.fn) end
end)

local root = setmetatable({ live = 0, ends = 0, seen = 0, on_end = function() end }, Scope)

--- The main task of a run, in the root scope.
function scope.spawn_root(fn, ...)
  return root:spawn(fn, ...)
end

--- What the task dies of: `cause` makes an Error of a kill. Killed again while it unwinds, it dies of the first.
local function failure_of(me, killed, cause)
  local failure = killed and errors.new(cause.kind, cause.message, cause) or as_error(cause)
  if killed and not failure.where then
    local at = tail.body(me)
    failure.where = at and (tail.place(at.fn) or tail.definition(at.fn))
  end
  if errors.is(me.failure) then return errors.suppress(me.failure, failure) end
  me.failure = failure
  return failure
end

--- The coroutine of the running task is dead: unwind in its place what it has left open (R21). `cause` is a table
--- with the fields of an Error when the task was killed, and what it died of otherwise.
--
-- A scope may have a function `recover`: then the task does not end behind that scope, but goes on with
-- recover(failure), whose values become its own.
function scope.unwind(me, killed, cause)
  if killed and cause.kind == "memory" then guard.recover() end
  local failure = failure_of(me, killed, cause)
  while me.top do
    local s = me.top
    core_scope.unwind(s.core)
    if me.body == s then
      s.co = running()
      if s.defers then failure = body.run_defers(s, failure) end
      me.body = s.up
    end
    s:fail(failure)
    s:cancel()
    s:join()
    s:close()
    failure = s:first_error()
    if s.recover then
      me.failure, me.co = nil, running()
      return task.settle(me, raw_xpcall(s.recover, border, failure))
    end
  end
  core_scope.unwind()
  if me.scope then
    me.body, me.co = me, running()
    task.settle(me, false, failure)
  end
end

--- The error that tells the main task that nothing can ever happen again (R27): each waiting line
--- once, with the number of tasks that wait there.
function scope.deadlock(lines)
  local counts, places = {}, {}
  for _, line in ipairs(lines) do
    if not counts[line] then places[#places + 1] = line end
    counts[line] = (counts[line] or 0) + 1
  end
  for i, line in ipairs(places) do
    if counts[line] > 1 then places[i] = ("%s (%d tasks)"):format(line, counts[line]) end
  end
  return errors.new("script", "every task waits and nothing is pending: " .. table.concat(places, ", "))
end

--- Raises kind `usage` where a yield is impossible; set by the prelude.
scope.blocked = function() errors.usage(1, "cannot wait here") end

return scope
