--- aggr.emit: what a run prints, piece by piece, with back-pressure on a slow reader.
--
-- Bytes go into the queue of core.out; whoever finds more than HIGH bytes queued waits until LOW
-- are left. When printing has failed, `emit.on_failure` decides what becomes of the run; without
-- one an Error is raised.
local began = require "aggr.began"
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local out = require "aggr.core.out"
local task = require "aggr.core.task"

local emit = {}

local HIGH, LOW = 64 * 1024, 32 * 1024
local raw = false

--- Called with "closed" (whoever reads has gone) or a message. It raises.
---@type fun(failure: string)
emit.on_failure = function(failure)
  errors.raise("script", "cannot print: " .. failure)
end

--- Strings are printed as they are, not as JSON (--format raw).
---@param on boolean
function emit.set_raw(on)
  raw = on
end

--- Print bytes as they are. A checkpoint.
---@param bytes string
function emit.bytes(bytes)
  task.check()
  began.call = "output"
  if out.write(bytes) > HIGH then
    out.drain(LOW)
    task.take()
  end
  local failure = out.failure()
  if failure then emit.on_failure(failure) end
end

--- Print `value` as one line of JSON now. A checkpoint: it waits while the reader is slow.
---@param value any aggr.null for JSON's null
function emit.value(value)
  if value == nil then
    errors.usage(1, "aggr.emit: nothing to print (aggr.null for JSON's null)")
  end
  local text = raw and type(value) == "string" and value or encoder.print(value)
  emit.bytes(text .. "\n")
end

--- Wait until all is written. Returns nil, "closed" or a message.
---@return string? failure
function emit.flush()
  out.drain(0)
  task.take()
  return out.failure()
end

return emit
