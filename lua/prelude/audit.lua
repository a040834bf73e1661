--- prelude.audit: the script's side of --audit: the files it opens, and what is left when it has ended.
--
--   begin (before the script) -> settle (after it; waits) -> is_clean -> result
--
-- A file counts as left over unless the script has closed it (io.lines: has read it to its end): when the
-- collector comes to it is nobody's to say.
local core = require "aggr.core.audit"
local json = require "aggr.json"
local scope = require "aggr.scope"

local globals = script -- luacheck: ignore (the scripts' _G)

local audit = {}

-- What a thread still does for nobody, such as a look-up that was cancelled, has so long to end.
local PATIENCE, STEP = 0.25, 0.005

local keys = setmetatable({}, { __mode = "k" }) -- files that the script has opened and not closed

local function opened(what, file, ...)
  if io.type(file) == "file" then keys[file] = core.opened(file, what) end
  return file, ...
end

--- `name` of the script's io, which returns a file.
local function watch(name)
  local original = globals.io[name]
  globals.io[name] = function(...) return opened("io." .. name, original(...)) end
end

--- io.input and io.output open what they are given the name of.
local function watch_default(name)
  local original = globals.io[name]
  globals.io[name] = function(file, ...)
    if type(file) ~= "string" then return original(file, ...) end
    return opened("io." .. name, original(file, ...))
  end
end

local function watch_lines()
  local original = globals.io.lines
  globals.io.lines = function(path, ...)
    local file = type(path) == "string" and io.open(path)
    if not file then return original(path, ...) end -- the default input, or what is wrong with the path
    opened("io.lines", file)
    local next_line = file:lines(...)
    local function after(line, ...)
      if line == nil then file:close() end
      return line, ...
    end
    return function() return after(next_line()) end
  end
end

local function watch_close()
  local files = getmetatable(io.stdout).__index
  local original = files.close
  function files.close(file, ...)
    local key = keys[file]
    if key then
      keys[file] = nil
      core.closed(key)
    end
    return original(file, ...)
  end
  function globals.io.close(file)
    return (file == nil and io.output() or file):close()
  end
end

--- Is there one? `aggr run --help SCRIPT` has none, whatever the options.
---@return boolean
audit.is_on = core.is_on

--- The script begins.
function audit.begin()
  watch "open"
  watch "popen"
  watch "tmpfile"
  watch_default "input"
  watch_default "output"
  watch_lines()
  watch_close()
  core.begin()
end

--- The script has ended, and its output is written: let go of what is nobody's. Takes PATIENCE at most.
function audit.settle()
  jit.flush() -- compiled code keeps values alive
  collectgarbage()
  collectgarbage()
  core.close_idle()
  local due = scope.now() + PATIENCE
  while core.jobs() > 0 and scope.now() < due do scope.sleep(STEP) end
end

--- What was made, and what is left of it; nil without --audit.
---@return { created: table<string, number>, left: table<string, number>, leftovers: table[] }?
function audit.result()
  if not core.is_on() then return nil end
  local result = core.result()
  result.leftovers = json.array(result.leftovers)
  return result
end

--- Look for what the script has left.
---@return boolean
function audit.is_clean()
  core.find()
  return next(core.result().leftovers) == nil
end

return audit
