--- prelude.require: require whose modules may wait while they load.
--
-- A second task that wants a module which is being loaded waits for it. A cycle, within a task, among
-- tasks, or through a task's own children, is Lua's usual loop error.
local core = require "aggr.core.task"
local searcher = require "prelude.searcher"

local CANCEL = core.CANCEL
local raw_pcall = pcall
local loadfile = require("prelude.load").loadfile

local shim = {}

local LOADING = newproxy() -- in package.loaded while a module loads, and after it has failed
local loading = {}         -- name -> { task =, waiters = } while it loads
local waiting = {}         -- task -> the entry of `loading` it waits for

local package -- the scripts' own
local loaded  -- its package.loaded, which Lua knows by itself, whatever a script puts there

--- Would the running task wait for itself? Its ancestors wait for it, and so does who waits for them.
local function is_cycle(entry)
  local me = core.self()
  local seen = {}
  while entry and not seen[entry] do
    seen[entry] = true
    local task = me
    while task do
      if entry.task == task then return true end
      task = task.scope and task.scope.owner
    end
    entry = waiting[entry.task]
  end
  return false
end

local function await(entry)
  local me, handle = core.self(), core.current()
  entry.waiters[handle] = true
  waiting[me] = entry
  local began, err = raw_pcall(core.park)
  local woken = false
  if began then woken, err = core.parked() end
  waiting[me] = nil
  entry.waiters[handle] = nil
  if not woken then error(err, 0) end
end

local function find_loader(name)
  local loaders = package.loaders
  if type(loaders) ~= "table" then error("'package.loaders' must be a table", 3) end
  local message = ""
  local i = 0
  while true do
    i = i + 1
    local loader = rawget(loaders, i)
    if loader == nil then error(("module '%s' not found:%s"):format(name, message), 3) end
    local found = loader(name)
    if type(found) == "function" then return found end
    if type(found) == "string" or type(found) == "number" then message = message .. found end
  end
end

--- Run the loader with the module marked as loading, whatever comes of it.
local function run(name, loader)
  local entry = { task = core.self(), waiters = {} }
  loading[name] = entry
  loaded[name] = LOADING
  local ok, value = raw_pcall(loader, name)
  loading[name] = nil
  if not ok and value == CANCEL then loaded[name] = nil end
  for handle in pairs(entry.waiters) do core.unpark(handle) end
  if not ok then error(value, 0) end
  if value ~= nil then
    loaded[name] = value
  elseif loaded[name] == LOADING then
    loaded[name] = true
  end
  return loaded[name]
end

function shim.require(name, ...)
  if type(name) ~= "string" then
    if type(name) ~= "number" then return shim.raw(name, ...) end -- raises
    name = tostring(name)
  end
  while loaded[name] do
    if loaded[name] ~= LOADING then return loaded[name] end
    local entry = loading[name]
    if not entry or is_cycle(entry) then
      error(("loop or previous error loading module '%s'"):format(name), 2)
    end
    await(entry)
  end
  return run(name, find_loader(name))
end

function shim.install(script)
  package = script.package
  loaded = package.loaded
  shim.raw = script.require
  script.require = shim.require
  package.loaders[2] = searcher.new(package, loadfile)
end

return shim
