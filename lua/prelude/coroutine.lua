--- prelude.coroutine: user coroutines that a checkpoint passes through (R26, R32).
--
-- A checkpoint yields the sentinel. Whoever resumed the coroutine hands it outwards until it
-- reaches the scheduler, and resumes inwards when the task goes on. Meanwhile the coroutine is
-- busy. Where the outer coroutine cannot yield, the inner checkpoint raises instead (R27).
local core = require "aggr.core.task"
local errors = require "aggr.errors"
local blocked = require "prelude.blocked"

local CANCEL, SENTINEL = core.CANCEL, core.SENTINEL
local self_task, at_top, refuse = core.self, core.at_top, core.refuse
local raw = {}
for name, fn in pairs(coroutine) do raw[name] = fn end
local raw_resume, raw_yield, running, isyieldable = raw.resume, raw.yield, raw.running, raw.isyieldable

local shim = {}

local busy = setmetatable({}, { __mode = "k" }) -- coroutines inside a checkpoint

-- How many resumes are under way inside one another. Each takes its piece of the C stack, whose end
-- LuaJIT does not see coming. A checkpoint ends them all on its way out, so one count does for all tasks.
local DEEPEST = 50000
local depth = 0

local after, enter

local function restored(task, before, co, ...)
  task.unyielding = before
  return after(co, ...)
end

--- Resume from a place that cannot yield: scopes, which must be able to wait, refuse to open.
local function resume_unyielding(co, ...)
  local task = self_task()
  local before = task.unyielding
  task.unyielding = true
  depth = depth + 1
  return restored(task, before, co, raw_resume(co, ...))
end

--- Hand a checkpoint outwards, and go on inside once the task does.
local function carry(co)
  if not isyieldable() then
    refuse(blocked.error())
    return resume_unyielding(co)
  end
  busy[co] = true
  raw_yield(SENTINEL)
  busy[co] = nil
  return enter(co)
end

--- Not a string: each coroutine.wrap on its way out would put a place in front of it.
local function overflow()
  local err = errors.new("script", ("stack overflow: %d coroutines inside one another"):format(depth))
  err.where = errors.where()
  return err
end

function enter(co, ...)
  depth = depth + 1
  return after(co, raw_resume(co, ...))
end

function after(co, ok, ...)
  depth = depth - 1
  if ok then
    if (...) == SENTINEL then return carry(co) end
  elseif (...) == CANCEL then
    error(CANCEL, 0)
  end
  return ok, ...
end

function shim.resume(co, ...)
  if busy[co] then
    return false, errors.new("usage", "cannot resume a coroutine that waits inside another task")
  end
  if type(co) ~= "thread" then return raw_resume(co, ...) end -- raises
  if depth == DEEPEST then return false, overflow() end
  if isyieldable() then return enter(co, ...) end
  return resume_unyielding(co, ...)
end

--- The results of the resume, or its error raised as Lua's own wrap does: strings get a position.
local function unwrap(ok, ...)
  if ok then return ... end
  local err = ...
  error(err, type(err) == "string" and 2 or 0)
end

function shim.wrap(fn)
  if type(fn) ~= "function" then return raw.wrap(fn) end -- raises
  local co = raw.create(fn)
  local resume = shim.resume
  return function(...) return unwrap(resume(co, ...)) end
end

--- Whether the running coroutine is the task's own, or has a scope open (R32).
local function is_held(task, co)
  local top = task.top
  return task.co == co or top and top.co == co
end

function shim.yield(...)
  local task = self_task()
  local co = running()
  if task.co == co then errors.usage(1, "coroutine.yield outside of a coroutine") end
  if is_held(task, co) then
    errors.usage(1, "coroutine.yield out of a group, deadline, shield or collect call that is still open")
  end
  return raw_yield(...)
end

function shim.status(co)
  if busy[co] then return "normal" end
  return raw.status(co)
end

--- nil at the top level of a task, as in Lua's main program.
function shim.running()
  if at_top() then return nil end
  return running()
end

function shim.isyieldable()
  return isyieldable() and not is_held(self_task(), running())
end

function shim.install(script)
  for _, name in ipairs { "resume", "wrap", "yield", "status", "running", "isyieldable" } do
    script.coroutine[name] = shim[name]
  end
end

return shim
