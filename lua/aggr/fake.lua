--- aggr.fake: a function in the place of the network, for tests of scripts.
--
-- What it returns goes the way of a real response: the same Response, the same checks after it.
local core = require "aggr.core.response"
local errors = require "aggr.errors"
local headers = require "aggr.headers"
local options = require "aggr.options"
local scope = require "aggr.scope"
local task = require "aggr.core.task"

local fake = {}

---@class aggr.FakeRequest
---@field method string
---@field url string
---@field headers table<string, string>   lower-case keys
---@field body string?

---@class aggr.FakeResponse
---@field status integer
---@field headers table<string, string|string[]>?
---@field body string?

local KNOWN = { status = true, headers = true, body = true }

--- What an Error is made of.
local function failure(kind, message, phase, plan, url)
  return { kind = kind, message = message, phase = phase, url = url, method = plan.method, transport = "fake" }
end

local function all_values(each, given)
  local values = {}
  for name, value in each(given) do
    local list = headers.values(name, value, "transport: headers")
    values[name:lower()] = list
  end
  return values
end

local function header_values(given)
  if not options.is_table(given) then
    errors.usage(1, "transport: headers must be a table, got %s", errors.show(given))
  end
  return options.each(all_values, given)
end

--- A returned table as a Response, or an error about it.
local function response(plan, url, answer)
  if not options.is_table(answer) then
    errors.usage(1, "transport must return { status =, headers =, body = }, got %s",
      errors.show(answer))
  end
  options.check(answer, KNOWN, "transport")
  local status = options.count(answer.status, 100, "transport: status")
  if status > 999 then errors.usage(1, "transport: status can't be %d", status) end
  local body = answer.body == nil and "" or answer.body
  if type(body) ~= "string" then
    errors.usage(1, "transport: body must be a string (aggr.json.encode makes one), got %s",
      errors.show(body))
  end
  return core.new {
    status = status, headers = header_values(answer.headers or {}), body = body, url = url,
    method = plan.method,
  }
end

--- One exchange, as the core's (a checkpoint like it): a Response, or nil and what failed.
---@param plan aggr.Plan
---@param url string
---@param timeout number|false
---@return aggr.Response?, table?
function fake.exchange(plan, url, timeout)
  task.check()
  local request = {
    method = plan.method, url = url, headers = headers.table(plan.block), body = plan.body or nil,
  }
  local ok, answer
  if timeout then
    ok, answer = pcall(scope.deadline, timeout, plan.transport, request)
    if not ok and errors.is(answer) and answer.kind == "deadline" then
      local message = ("no answer within %g s"):format(timeout)
      return nil, failure("timeout", message, "wait", plan, url)
    end
    if not ok then error(answer, 0) end
  else
    answer = plan.transport(request)
  end
  local made = response(plan, url, answer)
  if #core.body(made) > plan.max_body then
    local message = ("the body is larger than %d bytes"):format(plan.max_body)
    return nil, failure("too_large", message, "body", plan, url)
  end
  return made, core.status(made)
end

return fake
