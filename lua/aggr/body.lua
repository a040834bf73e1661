--- aggr.body: functions that own what they defer, and the border that errors cross at their end.
--
-- A body is a table: a task (its main function) or a scope (the function that it runs). Fields: `fn`,
-- `defers` the list of deferred functions, `up` the body outside of it, `co` the coroutine that it was
-- opened in. The running task's `body` is the innermost one.
local core = require "aggr.core.task"
local core_scope = require "aggr.core.scope"
local errors = require "aggr.errors"

local CANCEL = core.CANCEL
local raw_xpcall = xpcall
local is_error = errors.is

local DEFER_BUDGET_S = 5

local body = {}

--- What was raised, as it crosses a border: an Error or the cancel token.
function body.as_error(err)
  if err == CANCEL or is_error(err) then return err end
  return errors.wrap(err)
end

--- The xpcall handler of bodies: here the stack of the raising place is still to be seen.
function body.border(err)
  if err == CANCEL or is_error(err) then return err end
  local wrapped = errors.wrap(err)
  wrapped.where = wrapped.where or errors.where()
  wrapped.traceback = wrapped.traceback or debug.traceback("", 2):sub(2)
  return wrapped
end

local function add_failure(failure, err)
  if failure == nil or failure == CANCEL then return err end
  return errors.suppress(failure, err)
end

--- Run what the body deferred, last in first out, shielded, under a budget (R19-R21).
---@return any failure the failure in flight, or what a deferred function made of it
function body.run_defers(self, failure)
  local defers = self.defers
  local guard = core_scope.open(core_scope.defer_budget(DEFER_BUDGET_S), math.huge)
  local spent = false
  while #defers > 0 do
    local fn = table.remove(defers)
    local ok, err = raw_xpcall(fn, body.border)
    if not ok then
      err = body.as_error(err)
      if err ~= CANCEL then
        failure = add_failure(failure, err)
      elseif core_scope.reason(guard) ~= "deadline" then
        failure = failure or CANCEL -- os.exit
      elseif not spent then
        spent = true
        failure = add_failure(failure, errors.new("deadline", ("deferred functions took longer than their %g s")
          :format(DEFER_BUDGET_S)))
      end
    end
  end
  self.defers = nil
  core_scope.close(guard)
  return failure
end

--- Call fn when the innermost body ends, however it ends.
function body.defer(fn)
  local innermost = core.self().body
  local defers = innermost.defers
  if defers then defers[#defers + 1] = fn else innermost.defers = { fn } end
end

return body
