--- check.blocking: calls that stop every task of the run until they have ended.
local calls = require "check.calls"
local value = require "check.value"

local blocking = {}

local LINES = 'aggr.lines("-") reads stdin beside the other tasks, aggr.lines(path) and aggr.read(path) a file'
local EXEC = 'aggr.exec { "command", "argument" } runs a program beside the other tasks'
local HINTS = { ["os.execute"] = EXEC, ["io.popen"] = EXEC, ["io.read"] = LINES, ["io.lines"] = LINES }

local STDIN = { read = true, lines = true }

local SOCKETS = "aggr.fetch asks an HTTP server beside the other tasks"
local OTHERS = "aggr.work runs Lua on a thread of its own"
local LIBRARIES = { socket = SOCKETS, ssl = SOCKETS, cURL = SOCKETS, lcurl = SOCKETS, luasql = OTHERS,
  lsqlite3 = OTHERS }

--- What is called, as people write it, and what to use instead; nil for what does not block.
local function judge(node, file)
  if node.tag == "Invoke" then
    local method = node[2][1]
    local is_stdin = STDIN[method] and value.path(node[1]) == "io.stdin"
    return is_stdin and "io.stdin:" .. method, LINES
  end
  local call = calls.of(node)
  if not call then return nil end
  if HINTS[call.name] then return call.name, HINTS[call.name] end
  local name = call.name == "require" and call.args[1] and value.text(call.args[1])
  local hint = name and LIBRARIES[name:match("^[^.]+")]
  return hint and not file:module(name) and ("the library '%s'"):format(name) or nil, hint
end

local function is_work(node)
  return node.tag == "Call" and value.path(node[1]) == "aggr.work"
end

--- Is this function given to aggr.work, here or under its name?
local function is_worker(fn)
  if fn.is_worker == nil then
    fn.is_worker = is_work(fn.parent)
    for _, id in ipairs(fn.bound and fn.bound.uses or {}) do
      fn.is_worker = fn.is_worker or is_work(id.parent)
    end
  end
  return fn.is_worker
end

local function runs_off_the_loop(node)
  local at = node.parent
  while at do
    if at.tag == "Function" and is_worker(at) then return true end
    at = at.parent
  end
  return false
end

---@param file aggr.CheckFile
function blocking.check(file)
  for _, node in ipairs(file.tree.calls) do
    local what, hint = judge(node, file)
    if what and not runs_off_the_loop(node) then
      file:add("blocking-call", node.line, file:column(node), what .. " stops every task until it has ended", hint)
    end
  end
end

return blocking
