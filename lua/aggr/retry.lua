--- aggr.retry: trying again, with full jitter, what may well go better the next time.
local core = require "aggr.core.scope"
local errors = require "aggr.errors"
local duration = require "aggr.duration"
local options = require "aggr.options"
local scope = require "aggr.scope"
local sys = require "aggr.core.sys"

local retry = {}

---@class aggr.RetryOptions
---@field attempts integer?                 extra attempts (2)
---@field backoff number|string|nil         the first pause is up to this, then it doubles ("100ms")
---@field max_backoff number|string|nil     the longest pause, a server's Retry-After included (30)

---@class aggr.RetryPolicy
---@field attempts integer     extra attempts
---@field backoff number       seconds; the first pause is up to this, then it doubles
---@field max_backoff number   the longest pause, a server's Retry-After included

local KNOWN = options.declare("retry", nil, { attempts = true, backoff = true, max_backoff = true })
local KINDS = { connect = true, dns = true, timeout = true, truncated = true }
local STATUSES = { [429] = true, [502] = true, [503] = true, [504] = true }
local METHODS = { GET = true, HEAD = true, PUT = true, DELETE = true, OPTIONS = true, TRACE = true }

--- `2`, or `{ attempts = 2, backoff = "100ms", max_backoff = 30 }`, as a policy; false for none.
---@param value integer|table|false
---@param what string
---@return aggr.RetryPolicy|false
function retry.compile(value, what)
  if value == false then return false end
  if type(value) ~= "number" and type(value) ~= "table" then
    errors.usage(1, "%s must be a number of extra attempts or a table, got %s", what,
      errors.show(value))
  end
  local given = type(value) == "table" and options.check(value, KNOWN, what) or { attempts = value }
  local name = type(value) == "table" and what .. ".attempts" or what
  local attempts = options.count(given.attempts == nil and 2 or given.attempts, 0, name)
  if attempts == 0 then return false end
  local policy = { attempts = attempts, backoff = 0.1, max_backoff = 30 }
  if given.backoff ~= nil then
    policy.backoff = duration.seconds(given.backoff, what .. ".backoff")
  end
  if given.max_backoff ~= nil then
    policy.max_backoff = duration.seconds(given.max_backoff, what .. ".max_backoff")
  end
  return policy
end

local MONTH = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9,
  Oct = 10, Nov = 11, Dec = 12 }

--- Days from 1970-01-01 to a day of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

--- Seconds since 1970 of an HTTP date (RFC 9110 §5.6.7, the form servers must send), or nil.
---@param text string
---@return number?
function retry.http_date(text)
  local day, name, year, h, m, s =
    text:match("^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$")
  local month = MONTH[name]
  if not month then return nil end
  return days(tonumber(year), month, tonumber(day)) * 86400 + h * 3600 + m * 60 + s
end

--- Seconds the server asks to wait, or nil.
local function asked(response)
  local text = response and response.headers["retry-after"]
  if not text then return nil end
  local seconds = text:match("^%s*(%d+)%s*$")
  if seconds then return tonumber(seconds) end
  local at = retry.http_date(text)
  return at and math.max(0, at - sys.wall())
end

--- The pause before the attempt after number `attempt`, or nil when there is to be none.
local function pause(policy, attempt, err)
  if attempt > policy.attempts then return nil end
  if not KINDS[err.kind] and not (err.kind == "status" and STATUSES[err.status]) then return nil end
  local most = math.min(policy.max_backoff, policy.backoff * 2 ^ (attempt - 1))
  local seconds = sys.random() * most
  local least = asked(err.response)
  if least and least > policy.max_backoff then return nil end
  if least and least > seconds then seconds = least end
  local remaining = core.remaining()
  if remaining and seconds >= remaining then return nil end
  return seconds
end

--- once(plan, url), again while the policy of the plan says so. Returns the response and how many
--- attempts it took; an Error knows its `.attempt`. Nothing is held during the pauses.
---@param plan aggr.Plan
---@param url string
---@param once fun(plan: aggr.Plan, url: string): aggr.Response
---@return aggr.Response, integer
function retry.run(plan, url, once)
  local policy, attempt = plan.retry, 1
  while true do
    local ok, result = pcall(once, plan, url)
    if ok then return result, attempt end
    if not errors.is(result) then error(result, 0) end
    result.attempt = attempt
    local seconds = METHODS[plan.method] and pause(policy, attempt, result)
    if not seconds then error(result, 0) end
    scope.sleep(seconds)
    attempt = attempt + 1
  end
end

return retry
