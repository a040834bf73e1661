--- prelude.traces: where compiled pieces of code begin.
--
-- When memory is refused to one of them, its task is killed, and the line it is in is not to be told; the one
-- that it began in is.
local errors = require "aggr.errors"
local guard = require "aggr.core.guard"
local util = require "jit.util"

local traces = {}

local places = {} -- by number: "file:line", false for the library's

local function note(what, number, fn, pc)
  if what ~= "start" then return end
  local info = util.funcinfo(fn, pc)
  places[number] = not errors.is_library(fn) and info.source:gsub("^[@=]", "") .. ":" .. info.currentline
end

--- Note them from now on.
function traces.follow()
  guard.traces(places)
  jit.attach(note, "trace")
end

return traces
