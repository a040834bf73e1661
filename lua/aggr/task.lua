--- aggr.task: what one task is to Lua: its main function from first line to outcome, and its handle.
--
-- The scope it is spawned into (aggr.scope) is told last of all, by `scope:ended(task, lost)`: `lost`
-- when a cancellation from outside of the task ended it.
local core = require "aggr.core.task"
local body = require "aggr.body"
local errors = require "aggr.errors"

local CANCEL = core.CANCEL
local current, self_task, park, parked, unpark = core.current, core.self, core.park, core.parked, core.unpark
local raw_pcall, raw_xpcall, running = pcall, xpcall, coroutine.running
local as_error, border = body.as_error, body.border

local task = {}

--- A task: what `g:spawn` returns.
---@class aggr.Task
---@field state "running"|"ok"|"error"|"cancelled"
---@field reason string?   why, when cancelled
---@field error aggr.Error?
---@field key any
local Task = { __name = "aggr.Task" }
Task.__index = Task

--- "file:line" of the call that made the task, or nil.
---@param self aggr.Task
---@return string?
function task.place(self)
  local source, line = self.spawned_in, self.spawned_line
  if not source then return nil end
  local first = source:sub(1, 1)
  if first == "@" or first == "=" then return source:sub(2) .. ":" .. line end
  return ("[string]:%d"):format(line)
end

local function wake_waiters(self)
  local waiters = self.waiters
  if not waiters then return end
  self.waiters = nil
  for i = 1, #waiters do unpark(waiters[i]) end
end

--- A task's function has ended: defers, outcome, and word to whoever waits, in that order.
function task.settle(self, ok, ...)
  local failure
  if not ok then failure = as_error((...)) end
  if self.defers then failure = body.run_defers(self, failure) end
  local lost = false
  if failure == nil then
    local n = select("#", ...)
    self.n, self.value = n, (...)
    if n > 1 then self.values = { ... } end
    self.state = "ok"
  elseif failure == CANCEL then
    local own, reason = core.ending()
    lost = not own
    self.state, self.reason = "cancelled", reason
  else
    failure.spawned = failure.spawned or task.place(self)
    self.state, self.error = "error", failure
  end
  local s = self.scope
  self.scope, self.body, self.co, self.fn, self.failure = nil, nil, nil, nil, nil
  wake_waiters(self)
  s:ended(self, lost)
end

local function main(self, fn, ...)
  self.body = self
  self.co = running()
  return task.settle(self, raw_xpcall(fn, border, ...))
end

--- Queue a task that runs fn(...) in scope `s` (nil core: the root). Scopes whose tasks are all spawned by one
--- call of the script know its place.
---@return aggr.Task
function task.spawn(s, fn, ...)
  local source, line = s.source, s.line
  if source == nil then source, line = core.place(3) end
  local self = setmetatable({ -- with room for all that a task that ends well is given
    false, state = "running", scope = s, body = false, co = false, n = 0, value = false, key = false,
    spawned_in = source, spawned_line = line, fn = fn,
  }, Task)
  self.value, self.key = nil, nil
  core.spawn(s.core, main, self, fn, ...)
  return self
end

---@return any ... all results of a task that has ended well
function Task:results()
  if self.n > 1 then return unpack(self.values, 1, self.n) end
  if self.n == 1 then return self.value end
end

local function remove(list, item)
  for i = 1, list and #list or 0 do
    if list[i] == item then return table.remove(list, i) end
  end
end

local function await_end(self)
  if self == self_task() then errors.usage(1, "a task cannot wait for itself") end
  local me = current()
  local waiters = self.waiters or {}
  self.waiters = waiters
  waiters[#waiters + 1] = me
  local began, err = raw_pcall(park)
  local woken = false
  if began then woken, err = parked() end
  if not woken then
    remove(self.waiters, me)
    error(err, 0)
  end
end

local function check_self(self, method)
  if getmetatable(self) ~= Task then
    errors.usage(1, "task:%s is a method: call it with a colon", method)
  end
end

--- Wait for the task: its values, or the Error it failed with raised again; kind `cancelled` when it was cancelled.
function Task:wait()
  check_self(self, "wait")
  if self.state == "running" then await_end(self) else core.check() end
  if self.state == "ok" then return self:results() end
  if self.state == "error" then error(self.error, 0) end
  errors.raise("cancelled", "the task that was waited for was cancelled", { spawned = task.place(self) })
end

--- Cancel this task alone; not an error of its scope.
function Task:cancel()
  check_self(self, "cancel")
  core.cancel(self[1])
end

return task
