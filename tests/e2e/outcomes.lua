--- Many requests in one run of the binary, and how each ended.
local support = require "e2e.support"
local outcomes = {}

local function literal(value)
  if type(value) == "string" then return ("%q"):format(value):gsub("\r", "\\r") end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = ("[%s]=%s"):format(literal(key), (literal(item))) end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- Lua source of a plain value.
outcomes.literal = function(value)
  return (literal(value))
end

local SCRIPT = [[
local aggr = require "aggr"
local ended = {}
for i, request in ipairs(%s) do
  local began = aggr.now()
  local res, err = aggr.try(aggr.fetch, request)
  if res then
    ended[i] = { status = res.status, body = res.body, url = res.url, http = res.http, headers = res.headers,
      timing = res.timing }
  else
    ended[i] = { kind = err.kind, message = err.message, phase = err.phase, status = err.status, url = err.url,
      method = err.method, timing = err.timing, text = tostring(err), hint = err.hint }
  end
  ended[i].elapsed = aggr.now() - began
end
return ended
]]

--- Runs request tables one after another, each an outcome: { status, body, url, headers, … } or
--- { kind, message, phase, … }. The second value is the finished process.
function outcomes.of(requests, options)
  local got = support.script(SCRIPT:format(outcomes.literal(requests)), options)
  if got.code ~= 0 then
    error(("exit %s, signal %s\n%s"):format(tostring(got.code), tostring(got.signal), got.err), 2)
  end
  return require("cjson").decode(got.out), got
end

--- The outcome of one request.
function outcomes.one(request, options)
  local list, got = outcomes.of({ request }, options)
  return list[1], got
end

--- A request whose whole answer is `bytes`; `query`: further parameters of /raw.
function outcomes.raw(bytes, query)
  return { url = support.fixture():url("/raw" .. (query or "")), method = "POST", body = bytes, timeout = 5 }
end

return outcomes
