--- prelude.native: the ways from Lua to raw memory and to C, closed unless --allow-ffi opens them.
--
-- They are the module ffi, the raw pointers of string.buffer, package.loadlib, and C libraries that are
-- asked for a library of Lua's own. Modules written in C are found as ever.
local errors = require "aggr.errors"
local finalizer = require "prelude.finalizer"
local reserved = require "prelude.reserved"

local native = {}

local allowed = false

-- Opened once, before any script is read: a literal such as 1LL would open it, and put it into package.loaded.
local ffi

local function check(name)
  if allowed then return end
  errors.usage(1, "%s is off: past it neither memory nor the script's limits can be guarded (--allow-ffi)", name)
end

--- Let scripts have it all.
function native.allow()
  allowed = true
end

local function open_ffi() return ffi end

--- The first of package.loaders: what a script has put into package.preload, else the modules that are withheld.
local function preloaded(find, name)
  local found = find(name)
  if type(found) == "function" then return found end
  if name == "ffi" then
    check "ffi"
    return open_ffi
  end
  if name == "jit.profile" then reserved.refuse(name) end
  return found
end

-- A C library can be asked for what is in libluajit itself.
local OWN = { base = true, bit = true, debug = true, ffi = true, io = true, jit = true, math = true, os = true,
  package = true, string = true, string_buffer = true, table = true }

--- A loader of C modules that leaves Lua's own libraries to the first one.
local function guarded(find)
  return function(name)
    if OWN[name:gsub("^[^%-]*%-", ""):gsub("%.", "_")] then check(name) end
    return find(name)
  end
end

--- string.buffer with its raw pointers behind the check.
local function guard_buffer(lib)
  local methods = debug.getmetatable(lib.new()).__index
  for _, name in ipairs { "ref", "reserve" } do
    local method = methods[name]
    methods[name] = function(...)
      check("string.buffer:" .. name)
      return method(...)
    end
  end
  return lib
end

function native.install(script)
  local package = script.package
  local preload, loaders = package.preload, package.loaders
  ffi = require "ffi" -- the library's own: a second one would take the types of the first away
  finalizer.guard_ffi(ffi)
  package.loaded.ffi, preload.ffi = nil, nil
  local open_buffer, find_preloaded, loadlib = preload["string.buffer"], loaders[1], package.loadlib
  preload["string.buffer"] = function(...) return guard_buffer(open_buffer(...)) end
  loaders[1] = function(name) return preloaded(find_preloaded, name) end
  for i = 3, #loaders do loaders[i] = guarded(loaders[i]) end
  package.loadlib = function(...)
    check "package.loadlib"
    return loadlib(...)
  end
end

return native
