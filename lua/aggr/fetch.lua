--- aggr.fetch: a plan and a URL, carried out: attempts, the deadline, what counts as success.
local began = require "aggr.began"
local connection = require "aggr.connection"
local core = require "aggr.core.fetch"
local core_response = require "aggr.core.response"
local core_scope = require "aggr.core.scope"
local errors = require "aggr.errors"
local fake = require "aggr.fake"
local response = require "aggr.response"
local retry = require "aggr.retry"
local scope = require "aggr.scope"

local fetch = {}

local start, take = core.start, require("aggr.core.task").take
local status_of, body_of = core_response.status, core_response.body
local scope_timeout = core_scope.timeout
local open = connection.open

local KEPT_OF_ERRORS = 64 * 1024 -- bytes of a body that an Error keeps

local REASON = {
  [301] = "Moved Permanently", [302] = "Found", [303] = "See Other", [304] = "Not Modified",
  [307] = "Temporary Redirect", [308] = "Permanent Redirect", [400] = "Bad Request",
  [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
  [409] = "Conflict", [410] = "Gone", [413] = "Content Too Large", [415] = "Unsupported Media Type",
  [422] = "Unprocessable Content", [429] = "Too Many Requests", [500] = "Internal Server Error",
  [501] = "Not Implemented", [502] = "Bad Gateway", [503] = "Service Unavailable",
  [504] = "Gateway Timeout",
}

local HINT = {
  too_large = "max_body = '64MiB' raises the cap",
}
local HINT_AUTHORITY = "tls = { ca = 'file.pem' } trusts a private certificate authority"
local HINT_CLIENT_CERTIFICATE = "tls = { cert = 'client.pem', key = 'client.key' } are PEM files that belong together"

--- Call > scope > client > command line.
local function timeout_of(plan)
  local seconds = plan.own_timeout
  if seconds ~= nil then return seconds end
  seconds = scope_timeout()
  if seconds ~= nil then return seconds end
  return plan.timeout
end

local function hint_for(failure)
  if failure.message:find("^cannot use the client certificate") then return HINT_CLIENT_CERTIFICATE end
  -- Not where the certificate itself is at fault: it has expired, or is another host's.
  local of_issuer = failure.message:find("issuer", 1, true) or failure.message:find("self.signed")
  if failure.kind == "tls" and of_issuer then return HINT_AUTHORITY end
  return HINT[failure.kind]
end

local function fail(failure)
  if failure.kind == "usage" then
    errors.usage(1, "'%s': %s", errors.short_url(core.mask(failure.url)), failure.message)
  end
  failure.hint = failure.hint or hint_for(failure)
  errors.raise(failure.kind, failure.message, failure)
end

local function refuse_status(plan, res, status)
  local reason = REASON[status] and " " .. REASON[status] or ""
  errors.raise("status", ("%d%s, expected %s"):format(status, reason, plan.expect.text), {
    url = core_response.url(res), method = plan.method, status = status,
    response = core_response.truncated(res, KEPT_OF_ERRORS), timing = core_response.timing(res),
    transport = core_response.transport(res),
  })
end

--- One attempt: the response, its status checked.
local function once(plan, url)
  local res, status
  began.call = "aggr.fetch"
  if plan.transport then
    res, status = fake.exchange(plan, url, timeout_of(plan))
  else
    local route = plan.connection
    start(route.profile or open(route), plan.method, url, plan.block, plan.body or nil,
      timeout_of(plan), plan.connect_timeout, plan.idle_timeout, plan.max_body, plan.redirects)
    res, status = take()
  end
  if not res then fail(status) end -- then it is the failure
  local expected = plan.expect
  if not expected[status] and not expected.any
    and not (plan.redirects == 0 and status >= 300 and status <= 399) then
    refuse_status(plan, res, status)
  end
  return res
end

local function attempts(plan, url)
  if not plan.retry then return once(plan, url) end
  local res, count = retry.run(plan, url, once)
  core_response.set_attempts(res, count)
  return res
end

--- Under the call's own deadline, whose Error names the request.
local function until_deadline(plan, url)
  local ok, result = pcall(scope.deadline, plan.deadline, attempts, plan, url)
  if ok then return result end
  if errors.is(result) and result.kind == "deadline" and not result.url then
    result = errors.new("deadline", result.message, {
      url = url, method = plan.method, where = result.where, spawned = result.spawned,
    })
  end
  error(result, 0)
end

--- Carry it out. Raises an Error, or the cancel token.
---@param plan aggr.Plan
---@param url string
---@return aggr.Response
function fetch.run(plan, url)
  if plan.deadline then return until_deadline(plan, url) end
  return attempts(plan, url)
end

--- What a source gives: the decoded body (nil for 204), the body, or the response.
---@param plan aggr.Plan
---@param res aggr.Response
---@return any
function fetch.value(plan, res)
  local as = plan.as
  if as == "response" then return res end
  if as == "body" then return body_of(res) end
  return fetch.decoded(res)
end

--- The decoded body; nil for 204.
---@param res aggr.Response
---@return any
function fetch.decoded(res)
  if status_of(res) == 204 then return nil end
  return response.decode(res)
end

--- From now on every request is refused, with this message (kind `usage`).
---@param message string
function fetch.refuse(message)
  start = function() errors.raise("usage", message) end
end

--- From now on call `on_attempt(plan, url, seconds, response, err)` after each attempt; `err` may
--- be the cancel token. It must not raise.
---@param on_attempt fun(plan: aggr.Plan, url: string, seconds: number, res: aggr.Response?, err: any)
function fetch.watch(on_attempt)
  local unwatched = once
  once = function(plan, url)
    local started = scope.now()
    local ok, result = pcall(unwatched, plan, url)
    on_attempt(plan, url, scope.now() - started, ok and result or nil, not ok and result or nil)
    if not ok then error(result, 0) end
    return result
  end
end

return fetch
