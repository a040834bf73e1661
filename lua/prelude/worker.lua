--- prelude.worker: what the threads of aggr.work run, each in a lua_State of its own.
--
-- Modules stay loaded between jobs. A job's globals end with it: its function runs in a new environment, in which
-- Lua's own are seen, and Lua's libraries are copied when they are first asked for. There is no scheduler here.
local closed = require "prelude.debug"
local core = require "aggr.core.work"
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local exact = require "aggr.exact"
local finalizer = require "prelude.finalizer"
local json = require "aggr.json"
local log = require "aggr.log"
local mask = require "aggr.mask"
local native = require "prelude.native"
local options = require "aggr.options"
local pick = require "aggr.pick"
local reserved = require "prelude.reserved"
local searcher = require "prelude.searcher"
local strings = require "prelude.strings"
local values = require "aggr.values"

local globals = script -- luacheck: ignore (the _G of modules)

local FUNCTIONS_KEPT = 256 -- loaded ones, so that they stay compiled

core.marks(encoder.marks, encoder.LIST, exact.digits, exact.of)
for _, part in ipairs { strings, reserved, closed, finalizer, native } do part.install(globals) end

local aggr = setmetatable({
  array = json.array,
  json = {
    encode = json.encode, decode = json.decode, keys = json.keys, pick = pick.pick, values = values.each,
  },
  log = { debug = log.debug, info = log.info, warn = log.warn, error = log.error },
  null = json.null,
  object = json.object,
}, {
  __name = "aggr",
  __index = function(_, name)
    errors.usage(1, "aggr.%s is not there in functions of aggr.work (json, log, null, array and object are): call it "
      .. "before, and pass what it gives", tostring(name))
  end,
})
globals.package.preload.aggr = function() return aggr end

--- What would touch the whole process, or what the run prints.
local function refuse(name, way_out)
  return function() errors.usage(1, "%s is not there in functions of aggr.work: %s", name, way_out) end
end

globals.os.exit = refuse("os.exit", "return or raise something")
globals.io.write = refuse("io.write", "return what is to be printed")
globals.io.output = refuse("io.output", "open a file of its own")

globals.print = log.print

local files = getmetatable(io.stdout).__index -- the methods of all files
local write_to_file = files.write

function files.write(file, ...)
  if file == io.stdout then globals.io.write() end
  return write_to_file(file, ...)
end

local environment -- of the job that runs

local function text_only(raw_load)
  return function(chunk, name, _, ...)
    return raw_load(chunk, name, "t", select("#", ...) > 0 and (...) or environment)
  end
end

globals.load, globals.loadstring = text_only(load), text_only(load)

function globals.loadfile(filename, _, ...)
  return loadfile(filename, "t", select("#", ...) > 0 and (...) or environment)
end

function globals.dofile(filename)
  return assert(globals.loadfile(filename))()
end

globals.package.loaders[2] = searcher.new(globals.package, loadfile)

local function undefined(name)
  errors.raise("usage", ("undefined global '%s'"):format(name),
    { hint = "functions of aggr.work see their arguments and Lua's own globals: pass it as an argument" })
end

local LIBRARIES = {}
for _, name in ipairs { "bit", "coroutine", "debug", "io", "jit", "math", "os", "string", "table" } do
  LIBRARIES[name] = true
end

local meta = {}

function meta.__index(env, name)
  local value = globals[name]
  if value == nil then undefined(tostring(name)) end
  if not LIBRARIES[name] then return value end
  local copy = {}
  for key, entry in pairs(value) do copy[key] = entry end
  env[name] = copy
  return copy
end

local function new_environment()
  local env = setmetatable({}, meta)
  env._G = env
  return env
end

local loaded, count = {}, 0 -- bytecode -> function

local function function_of(code)
  local fn = loaded[code]
  if not fn then
    if count == FUNCTIONS_KEPT then loaded, count = {}, 0 end
    fn = assert(loadstring(code))
    loaded[code], count = fn, count + 1
  end
  return setfenv(fn, environment)
end

local function function_in(name, key)
  local module = globals.require(name)
  local fn = type(module) == "table" and module[key]
  if type(fn) == "function" then return fn end
  errors.raise("usage", ("module '%s' has no function '%s'%s"):format(name, key,
    type(module) == "table" and options.hint(key, module) or ""))
end

--- What was raised, as fields that can be copied.
local function described(raised)
  local err = errors.wrap(raised)
  return {
    kind = err.kind, message = err.message, where = rawget(err, "where") or errors.where(), hint = rawget(err, "hint"),
    value = rawget(err, "value"), traceback = rawget(err, "traceback") or debug.traceback("", 2):sub(2),
  }
end

local function call(code, name, ...)
  if name then return function_in(code, name)(...) end
  return function_of(code)(...)
end

local current, path, cpath -- the setup in force

--- Take over paths, log settings and secrets of the script: see aggr.work.
local function configure(setup)
  local parts = {}
  for part in (setup .. "\0"):gmatch("(%Z*)%z") do parts[#parts + 1] = part end
  path, cpath = parts[1], parts[2]
  log.configure { level = parts[3], format = parts[4], color = parts[5] ~= "" }
  if parts[6] ~= "" then native.allow() end
  for i = 7, #parts do mask.add(parts[i]) end
  current = setup
end

--- One job: true and the function's results, or false and what was raised.
return function(setup, code, name, ...)
  if setup ~= current then configure(setup) end
  globals.package.path, globals.package.cpath = path, cpath
  environment = new_environment()
  return xpcall(call, described, code, name, ...)
end
