--- aggr.exec: programs beside the loop, without a shell.
--
-- A program runs in a process group of its own. When the call ends, whatever ended it, that group is gone:
-- what the program left running is killed.
local began = require "aggr.began"
local core = require "aggr.core.exec"
local duration = require "aggr.duration"
local errors = require "aggr.errors"
local options = require "aggr.options"
local size = require "aggr.size"
local task = require "aggr.core.task"

---@class aggr.Command
---@field [integer] string|number the program, looked for in PATH, and its arguments
---@field stdin string?               what it reads; otherwise its stdin is /dev/null
---@field timeout number|string|nil   from its start on; none unless given
---@field max_output integer|string?  bytes of stdout, and of stderr (16 MiB)
---@field env table<string, string|number|false>? changes to the environment; false takes a variable out
---@field cwd string?                 the folder it runs in

---@class aggr.Ended
---@field ok boolean       it exited with 0
---@field code integer?    its exit code, nil when a signal ended it
---@field signal string?   "SIGTERM", when one did
---@field stdout string
---@field stderr string
---@field elapsed number   seconds

local OPTIONS = options.declare("aggr.exec", 1,
  { stdin = true, timeout = true, max_output = true, env = true, cwd = true })
local MAX_OUTPUT = 16 * 2 ^ 20

--- A string without NUL, of a string or a number (integers in full).
local function text(value, what)
  if type(value) == "number" then return value % 1 == 0 and ("%.0f"):format(value) or tostring(value) end
  if type(value) ~= "string" then
    errors.usage(1, "aggr.exec: %s must be a string or a number, got %s", what, errors.show(value))
  end
  if value:find("%z") then errors.usage(1, "aggr.exec: %s must not hold a NUL", what) end
  return value
end

--- The words of the command, and its options.
local function split(command)
  if type(command) ~= "table" then
    errors.usage(1, "aggr.exec: expected a table such as { 'ls', '-l' }, got %s (for a shell: { 'sh', '-c', … })",
      errors.show(command))
  end
  local words, opts = {}, {}
  for i = 1, #command do words[i] = text(command[i], i == 1 and "the program" or ("argument %d"):format(i - 1)) end
  for name, value in pairs(command) do
    if words[name] == nil then opts[name] = value end
  end
  if not words[1] or words[1] == "" then errors.usage(1, "aggr.exec: the program is missing") end
  return words, options.check(opts, OPTIONS, "aggr.exec")
end

local function check_variable(name)
  if type(name) ~= "string" or name == "" or name:find("[=%z]") then
    errors.usage(1, "aggr.exec: env: expected names of variables, got %s", errors.show(name))
  end
end

--- The environment with these changes; nil for no changes.
local function environment(changes)
  if changes == nil then return nil end
  if not options.is_table(changes) then
    errors.usage(1, "aggr.exec: env must be a table, got %s", errors.show(changes))
  end
  local list = {}
  for name, value in pairs(changes) do
    check_variable(name)
    if value ~= false then list[#list + 1] = name .. "=" .. text(value, "env." .. name) end
  end
  for _, pair in ipairs(core.environment()) do
    if changes[pair:match("^[^=]*")] == nil then list[#list + 1] = pair end
  end
  return list
end

local function string_option(opts, name)
  local value = opts[name]
  if value ~= nil and type(value) ~= "string" then
    errors.usage(1, "aggr.exec: %s must be a string, got %s", name, errors.show(value))
  end
  return value
end

local function fail(program, opts, result, ending, why)
  if ending == "timeout" then
    errors.raise("timeout", ("'%s' still ran after %g s and was killed"):format(program, opts.timeout),
      { result = result })
  elseif ending == "too_large" then
    errors.raise("too_large", ("'%s' wrote more than %.0f bytes to %s and was killed (max_output)"):format(program,
      opts.max_output, why), { result = result })
  end
  errors.raise("script", why)
end

--- Run a program and wait for its end: any exit code is a result. Raises kind `timeout` and `too_large` (the program
--- is killed; the Error's `result` has what it wrote) and kind `script` when it cannot be started. Cancelling kills it.
---@param command aggr.Command
---@return aggr.Ended
local function exec(command)
  local words, given = split(command)
  local opts = {
    timeout = given.timeout and duration.seconds(given.timeout, "aggr.exec: timeout"),
    max_output = given.max_output and size.bytes(given.max_output, "aggr.exec: max_output") or MAX_OUTPUT,
  }
  local env, cwd, stdin = environment(given.env), string_option(given, "cwd"), string_option(given, "stdin")
  if cwd then text(cwd, "cwd") end
  began.call = "aggr.exec"
  core.run(words, env, cwd, stdin, opts.timeout or false, opts.max_output)
  local result, ending, why = task.take()
  if ending == "exited" then return result end
  fail(words[1], opts, result, ending, why)
end

return exec
