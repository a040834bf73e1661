--- check.calls: calls of aggr's functions and of its clients' methods, and the options they are given.
--
-- A call is { name, what, args, node }: `name` as in options.of ("aggr.all"; methods of clients are
-- "aggr.fetch", which have the same options), `what` as messages name it, `args` the argument nodes, `client`
-- the node of the client's options when it is a method (false: made without any).
local value = require "check.value"
local client = require "aggr.client"
local options = require "aggr.options"

-- These declare their options when they are loaded.
for _, name in ipairs { "all", "each", "exec", "file", "first", "json", "map" } do require("aggr." .. name) end

local calls = {}

local FORWARDS = { pcall = true, ["aggr.try"] = true } -- fn, arguments...

local function rest(node, from)
  local list = {}
  for i = from, #node do list[#list + 1] = node[i] end
  return list
end

--- What aggr.client was given for the client that an expression is: a node, false for nothing; nil when the
--- expression is not known to be a client.
---@param node table
---@return table|false|nil
function calls.client_options(node)
  local made = value.of(node)
  if made.tag ~= "Call" or value.path(made[1]) ~= "aggr.client" then return nil end
  return made[2] or false
end

local function method_call(node)
  local name, given = node[2][1], calls.client_options(node[1])
  if given == nil or not rawget(client.methods, name) then return false end
  return { name = "aggr.fetch", what = "client:" .. name, method = name, args = rest(node, 3), node = node,
    client = given }
end

local function function_call(node)
  local path, from = value.path(node[1]), 2
  if FORWARDS[path] and node[2] then
    local inner = value.path(node[2])
    if inner then path, from = inner, 3 end
  end
  if not path then return false end
  local call = { name = path, what = path, args = rest(node, from), node = node }
  local source = path == "aggr.try" and call.args[1]
  if source and (value.is_text(source) or value.of(source).tag == "Table") then call.name = "aggr.fetch" end
  return call
end

--- The call that a Call or Invoke node is; nil when it is nothing that is known.
---@param node table
---@return table?
function calls.of(node)
  if node.call == nil then
    node.call = node.tag == "Invoke" and method_call(node) or node.tag == "Call" and function_call(node)
  end
  return node.call or nil
end

--- The same for the client that sends the sources of a call.
---@param call table
---@return table|false|nil
function calls.client_of_sources(call)
  local state, node = value.field(calls.options(call), "client")
  if state == "absent" then return false end
  return state == "given" and calls.client_options(node) or nil
end

--- Does it send a request itself?
---@param call table
---@return boolean
function calls.is_request(call)
  return call.name == "aggr.fetch"
end

local COLLECTS = { ["aggr.all"] = true, ["aggr.first"] = true, ["aggr.map"] = true, ["aggr.each"] = true }

--- Does it run many tasks?
---@param call table
---@return boolean
function calls.is_collect(call)
  return COLLECTS[call.name] or false
end

--- Are its first argument's entries sources?
---@param call table
---@return boolean
function calls.has_sources(call)
  return call.name == "aggr.all" or call.name == "aggr.first"
end

--- The node of the options, or nil.
---@param call table
---@return table?
function calls.options(call)
  local declared = options.of[call.name]
  return declared and call.args[declared.at]
end

--- Where the options of a call come from, the first goes first: tables' nodes, nil and false for none. What
--- is not known to be a URL may be a request table.
---@param call table
---@return table? options, table? request
function calls.layers(call)
  local first, given = call.args[1], calls.options(call)
  if not calls.is_request(call) or not first or first == given or value.is_text(first) then return given end
  return given, first
end

--- Is it sure that a call is given no such option, nor `false` for it?
---@param call table
---@param name string
---@return boolean
function calls.lacks(call, name)
  local given, request = calls.layers(call)
  return value.lacks(given, name) and value.lacks(request, name)
end

return calls
