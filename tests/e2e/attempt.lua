--- One request made by the binary, and how it ended, for the specs about faults.
local support = require "e2e.support"

local SCRIPT = [[
local aggr = require "aggr"
local request = aggr.json.decode(arg[1])
local began = aggr.now()
local value, err = aggr.try(aggr.fetch, request)
local result = { elapsed = aggr.now() - began }
if err then
  for _, name in ipairs { "kind", "phase", "message", "status", "url", "method", "attempt", "hint" } do
    result[name] = err[name]
  end
  result.text = tostring(err)
else
  result.status, result.url, result.http, result.attempts = value.status, value.url, value.http, value.attempts
  result.body, result.headers, result.timing = value.body, value.headers, value.timing
end
return result
]]

--- { kind, phase, message, status, …, text } of an Error, or { status, body, headers, … } of a response; `elapsed` s.
local function attempt(request, options)
  options = options or {}
  options.args = { require("cjson").encode(request) }
  return support.value(SCRIPT, options)
end

return attempt
