--- aggr.warn: warnings that are given once in a run.
local warn = {}

local given = {}

--- Log `message` as a warning unless one was logged under `topic` before.
---@param topic string
---@param message string
function warn.once(topic, message)
  if given[topic] then return end
  given[topic] = true
  require("aggr.log").warn(message)
end

return warn
