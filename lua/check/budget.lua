--- check.budget: deadlines into which the rounds, retries and time-outs that the script asks for do not fit.
--
--   20 sources, limit 10, 2 s, 2 retries: up to 12 s + back-off, over your 5 s deadline
--
-- Only numbers that are known count, and of entries only those that are sure to send a request, so the worst
-- case is never shorter than said. One attempt in one round is never too long: there the deadline is simply
-- the time-out.
--
-- A request here is { layers, scope, verb }: the nodes of its options (its own, its client's), those of the
-- call it runs in, and its method where the called function says it.
local calls = require "check.calls"
local library = require "aggr.options"
local value = require "check.value"

local budget = {}

local LIMIT, RETRIES = 64, 2 -- what aggr.map and retry = {} take where nothing is said
local REPEATED = { GET = true, HEAD = true, PUT = true, DELETE = true, OPTIONS = true, TRACE = true }

--- The first of some options that is there: "given" and its node, "absent", or "unknown".
local function option(layers, name)
  for i = 1, layers.n do
    local state, node = value.field(layers[i] or nil, name)
    if state ~= "absent" then return state, node end
  end
  return "absent"
end

--- What a request has for a name: read(node), `default` where nothing is said, nil where it is not known.
local function known(layers, name, default, read)
  local state, node = option(layers, name)
  if state == "absent" then return default end
  return state == "given" and read(node) or nil
end

local function retries(node)
  node = value.of(node)
  if node.tag == "False" then return 0 end
  if node.tag ~= "Table" then return value.number(node) end
  return known({ n = 1, node }, "attempts", RETRIES, value.number)
end

local function attempts_of(request)
  local method = request.verb or known(request.layers, "method", "GET", value.text)
  if not method then return nil end
  if not REPEATED[method:upper()] then return 1 end
  local count = known(request.layers, "retry", 0, retries)
  return count and count + 1
end

--- Call > scope > client > command line.
local function timeout_of(request)
  local layers = request.layers
  local order = { n = 4, layers[1], layers[2], request.scope, layers[3] }
  return known(order, "timeout", library.defaults.timeout, value.seconds)
end

--- { timeout, attempts, seconds }; nil when it is not known.
local function cost_of(request)
  local timeout, attempts = timeout_of(request), attempts_of(request)
  local deadline = known(request.layers, "deadline", math.huge, value.seconds)
  if not timeout or not attempts or not deadline then return nil end
  return { timeout = timeout, attempts = attempts, seconds = math.min(timeout * attempts, deadline) }
end

local function request_of_call(call, scope)
  local given, request = calls.layers(call)
  local verb = call.method ~= "fetch" and call.method ~= "json" and call.method or nil
  return { layers = { n = 3, given or false, request or false, call.client or false }, scope = scope, verb = verb }
end

local STRAIGHT = { Local = true, Set = true, Call = true, Invoke = true, Return = true, Localrec = true }
local CHOICE = { ["and"] = true, ["or"] = true }

--- The first request that is sure to be sent when an expression or statement is evaluated.
local function first_request(node)
  if node.tag == "Function" then return nil end
  local last = node.tag == "Op" and CHOICE[node[1]] and 2 or #node
  for i = 1, last do
    local found = type(node[i]) == "table" and first_request(node[i])
    if found then return found end
  end
  local call = (node.tag == "Call" or node.tag == "Invoke") and calls.of(node)
  return call and calls.is_request(call) and call or nil
end

--- The same for a function's body, as far as it goes straight on.
local function request_in(fn, scope)
  for _, statement in ipairs(fn[2]) do
    if not STRAIGHT[statement.tag] then return nil end
    local call = first_request(statement)
    if call then return request_of_call(call, scope) end
  end
end

--- What one source costs, nil when it is not known.
local function cost_of_source(node, scope, client)
  local fn = value.func(node)
  local request
  if fn then
    request = request_in(fn, scope)
  elseif client ~= nil and (value.is_text(node) or value.table(node)) then
    local own = not value.is_text(node) and node
    request = { layers = { n = 3, own, false, client }, scope = scope }
  end
  return request and cost_of(request)
end

--- What each entry of a call's input costs, as far as it is known.
local function costs_of(call)
  local scope, costs = calls.options(call) or false, {}
  local entries = call.args[1] and value.entries(call.args[1])
  if not entries then return costs, 0 end
  if calls.has_sources(call) then
    local client = calls.client_of_sources(call)
    for _, node in ipairs(entries) do costs[#costs + 1] = cost_of_source(node, scope, client) end
  elseif call.args[2] and value.func(call.args[2]) then
    local cost = cost_of_source(call.args[2], scope)
    for i = 1, #entries do costs[i] = cost end
  end
  return costs, #entries
end

local function count(n, what)
  return ("%d %s%s"):format(n, what, n == 1 and "" or "s")
end

local function attempt_text(cost)
  if cost.attempts == 1 then return ("%g s each"):format(cost.timeout) end
  return ("%g s, %s"):format(cost.timeout, cost.attempts == 2 and "1 retry" or cost.attempts - 1 .. " retries")
end

local HINT = "raise the deadline or the limit, or lower the time-out or the retries"

local function report(file, node, what, cost, worst, deadline)
  file:add("over-budget", node.line, file:column(node),
    ("%s%s: up to %g s%s, over your %g s deadline"):format(what, attempt_text(cost), worst,
      cost.attempts > 1 and " + back-off" or "", deadline), HINT)
end

--- In several rounds each takes at least the shortest; in one round the longest counts.
local function pick(costs, rounds)
  local picked = costs[1]
  for _, cost in ipairs(costs) do
    if rounds == 1 and cost.seconds > picked.seconds or rounds > 1 and cost.seconds < picked.seconds then
      picked = cost
    end
  end
  return picked
end

local function collect(file, call, deadline)
  local limit = known({ n = 1, calls.options(call) }, "limit", LIMIT, value.number)
  local costs, total = costs_of(call)
  if not limit or limit < 1 or #costs == 0 then return end
  local rounds = math.ceil(#costs / limit)
  local cost = pick(costs, rounds)
  local worst = rounds * cost.seconds
  if worst <= deadline or rounds * cost.attempts == 1 then return end
  local noun = calls.has_sources(call) and "source" or "item"
  local what = #costs < total and ("%d of %s"):format(#costs, count(total, noun)) or count(#costs, noun)
  report(file, call.node, ("%s, limit %d, "):format(what, limit), cost, worst, deadline)
end

--- A request, or a client's defaults, with a deadline of its own.
local function single(file, call, layers)
  local deadline = known(layers, "deadline", nil, value.seconds)
  local request = { layers = layers, scope = false, verb = call.method ~= "fetch" and call.method ~= "json"
    and call.method or nil }
  local timeout, attempts = timeout_of(request), attempts_of(request)
  if not deadline or not timeout or not attempts or attempts == 1 or timeout * attempts <= deadline then return end
  report(file, call.node, "", { timeout = timeout, attempts = attempts }, timeout * attempts, deadline)
end

local function is_in_function(node)
  local at = node.parent
  while at and at.tag ~= "Function" do at = at.parent end
  return at ~= nil
end

--- Has the file calls that give what runs in them another time-out?
local function sets_timeouts(file)
  for _, node in ipairs(file.tree.calls) do
    local call = calls.of(node)
    if call and calls.is_collect(call) and value.field(calls.options(call), "timeout") ~= "absent" then return true end
  end
  return false
end

local function judge(file, call)
  local own = calls.options(call)
  if calls.is_collect(call) then
    local deadline = known({ n = 1, own or false }, "deadline", nil, value.seconds)
    if deadline then collect(file, call, deadline) end
  elseif call.name == "aggr.client" then
    single(file, call, { n = 1, own or false })
  elseif calls.is_request(call) then
    local given, request = calls.layers(call)
    if given or request then single(file, call, { n = 3, given or false, request or false, call.client or false }) end
  end
end

---@param file aggr.CheckFile
function budget.check(file)
  local sets = sets_timeouts(file)
  for _, node in ipairs(file.tree.calls) do
    local call = calls.of(node)
    if call and not (sets and is_in_function(node)) then judge(file, call) end
  end
end

return budget
