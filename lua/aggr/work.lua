--- aggr.work: Lua beside the loop, on threads with a state of their own.
--
-- What goes to a function and what comes back is copied. A cancelled call that is running cannot be stopped: it is
-- abandoned, its result dropped, and the log tells how much longer it ran.
local core = require "aggr.core.work"
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local exact = require "aggr.exact"
local log = require "aggr.log"
local mask = require "aggr.mask"
local task = require "aggr.core.task"

local globals = script -- luacheck: ignore (the scripts' _G)

local work = {
  allow_ffi = false, -- to functions, as to the script
}

core.marks(encoder.marks, encoder.LIST, exact.digits, exact.of)

local codes = setmetatable({}, { __mode = "k" }) -- function -> its bytecode

--- The name by which `require` finds a value.
local function module_name(value)
  if value == nil then return nil end
  for name, module in pairs(globals.package.loaded) do
    if rawequal(module, value) then return name end
  end
end

local function refuse_upvalue(name, value)
  local module = module_name(value)
  if module then
    errors.usage(1, "work: the function uses the local '%s' of its surroundings; have local %s = require %q inside it",
      name, name, module)
  elseif type(value) == "function" then
    errors.usage(1, "work: the function uses the local '%s' of its surroundings; define that function inside it", name)
  end
  errors.usage(1, "work: the function uses the local '%s' of its surroundings; pass it as an argument", name)
end

--- A function as bytecode, with names and lines.
local function code_of(fn)
  local info = debug.getinfo(fn, "S")
  if info.what == "C" or errors.is_library(fn) then
    errors.usage(1, "aggr.work: a function of Lua's or aggr's own cannot be passed: write function(…) … end around it")
  end
  local name, value = debug.getupvalue(fn, 1)
  if name then refuse_upvalue(name, value) end
  local code = string.dump(fn)
  codes[fn] = code
  return code
end

--- What failed over there, as an Error of the call. Its place is in the function, where it has one.
local function fail(failure)
  local where, called = errors.where()
  if type(failure) == "string" then
    errors.raise("usage", "aggr.work: " .. failure, { where = where, called = called })
  end
  local err = errors.new(failure.kind, failure.message, {
    where = failure.where or where, called = not failure.where and called or nil, hint = failure.hint,
    value = failure.value, traceback = failure.traceback, spawned = where,
  })
  error(err, 0)
end

local function finish(ok, ...)
  if ok then return ... end
  fail((...))
end

local sent = {} -- what the last `setup` was made of

--- What the threads must know of the script's state, as one string: they look into it only when it differs.
local function setup()
  local package, secrets, format = globals.package, #mask.values, log.settings
  if sent.path ~= package.path or sent.cpath ~= package.cpath or sent.secrets ~= secrets or sent.format ~= format then
    sent = { path = package.path, cpath = package.cpath, secrets = secrets, format = format }
    sent.text = table.concat({ tostring(package.path), tostring(package.cpath), format.level or "info",
      format.format or "text", format.color and "color" or "", work.allow_ffi and "ffi" or "",
      unpack(mask.values) }, "\0")
  end
  return sent.text
end

local function start(code, name, ...)
  local refused = core.start(setup(), code, name, ...)
  if refused then errors.usage(1, "aggr.work: %s", refused) end
  work.report()
  return finish(task.take())
end

--- Run a function on a thread of its own and wait for what it returns: a function without upvalues, or a module's
--- ("module", "function"). Arguments and results are copied: nil, booleans, numbers, strings, aggr.null and tables of
--- those. What it raises is raised here, with its own place and traceback.
---@param fn function|string
---@param ... any the function's arguments; after a module, the function's name first
---@return any ...
function work.run(fn, ...)
  if type(fn) == "function" then return start(codes[fn] or code_of(fn), nil, ...) end
  local name = ...
  if type(fn) ~= "string" or fn == "" then
    errors.usage(1, "aggr.work: expected a function, or the names of a module and its function, got %s",
      errors.show(fn))
  end
  if type(name) ~= "string" then
    errors.usage(1, "aggr.work: expected the name of a function in module '%s', got %s", fn, errors.show(name))
  end
  return start(fn, ...)
end

local function describe(late)
  local where = late.where and " at " .. late.where or ""
  return late.running and ("work abandoned%s still runs, %.1f s after"):format(where, late.seconds)
    or ("work abandoned%s ran %.1f s more"):format(where, late.seconds)
end

--- Log what was abandoned: what has ended since the last call or, at the run's end, all of it.
---@param all boolean?
function work.report(all)
  for _, late in ipairs(core.late(all or false)) do
    log.warn(describe(late), log.is_json() and { event = "work", where = late.where, seconds = late.seconds,
      running = late.running } or nil)
  end
end

return work
