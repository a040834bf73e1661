--- check.deadline: requests that the main chunk makes with no deadline above them.
--
-- Follows what the main chunk is sure to call: its own statements, the functions it gives to calls that run
-- them, and local functions it calls. What some other way leads to is not asked for a deadline, nor is a file
-- that another one requires.
local calls = require "check.calls"
local spawn = require "check.spawn"
local value = require "check.value"

local deadline = {}

local HINT = "time-outs, retries and queues add up: give the call or its client deadline = …, "
  .. "or make it in aggr.deadline(seconds, fn)"

--- Calls that run the functions among their arguments without a deadline of their own.
local RUNS = { pcall = true, xpcall = true, ["aggr.try"] = true, ["aggr.group"] = true }

local Walk = {}
Walk.__index = Walk

--- Follow the body of a function once.
function Walk:follow(node)
  local fn = value.func(node)
  if not fn or self.seen[fn] then return end
  self.seen[fn] = true
  self.queue[#self.queue + 1] = fn[2]
end

function Walk:follow_all(args)
  for _, node in ipairs(args) do self:follow(node) end
end

function Walk:report(node, what)
  self.file:add("no-deadline", node.line, self.file:column(node),
    ("no deadline above this %s"):format(what), HINT)
end

local function request(self, call)
  if calls.lacks(call, "deadline") and value.lacks(call.client or nil, "deadline") then
    self:report(call.node, call.what)
  end
end

--- Follows a source that is a function; is one that is a request without a deadline of its own?
local function lacks_deadline(self, node)
  if value.is_text(node) then return true end
  if value.of(node).tag == "Table" then return value.lacks(node, "deadline") end
  self:follow(node)
  return false
end

local function collect(self, call)
  if not calls.lacks(call, "deadline") then return end
  self:follow_all(call.args)
  if not calls.has_sources(call) or not call.args[1] then return end
  local lacks = false
  for _, node in ipairs(value.entries(call.args[1]) or {}) do
    lacks = lacks_deadline(self, node) or lacks
  end
  local client = calls.client_of_sources(call)
  if lacks and client ~= nil and value.lacks(client or nil, "deadline") then self:report(call.node, call.what) end
end

function Walk:call(node)
  self:follow(node[1])
  local call = calls.of(node)
  if not call then
    if node.tag == "Invoke" and node[2][1] == "spawn" and spawn.is_group(node[1]) then self:follow(node[3]) end
  elseif calls.is_request(call) then
    request(self, call)
  elseif calls.is_collect(call) then
    collect(self, call)
  elseif RUNS[call.name] then
    self:follow_all(call.args)
  end
end

function Walk:visit(node)
  if node.tag == "Function" then return end
  if node.tag == "Call" or node.tag == "Invoke" then self:call(node) end
  for i = 1, #node do
    if type(node[i]) == "table" then self:visit(node[i]) end
  end
end

---@param file aggr.CheckFile
function deadline.check(file)
  if file.is_module then return end
  local walk = setmetatable({ file = file, seen = {}, queue = { file.tree.body } }, Walk)
  local at = 1
  while walk.queue[at] do
    walk:visit(walk.queue[at])
    at = at + 1
  end
end

return deadline
