--- prelude.strict: globals that a script misspells, or makes by accident.
--
-- Reading a name that no global has, and assigning one inside a function, raise in code of the script: its file,
-- the files in its folder and below (what lies in an installed tree, share/lua, is a library), and text that
-- they load. Assigning at the top level of a file declares the name. It is all decided where _G has missed, so
-- globals that are there cost nothing, and all others stay as they are in Lua:
--
-- - libraries, C, and functions with an environment of their own (setfenv, module);
-- - fields, `_G.name` and rawget(_G, "name"): they ask whether there is one. A line that reads a global both ways
--   has asked.
local errors = require "aggr.errors"
local options = require "aggr.options"
local sys = require "aggr.core.sys"
local util = require "jit.util"

local getinfo, getlocal, getupvalue, getfenv = debug.getinfo, debug.getlocal, debug.getupvalue, getfenv

local globals = script -- luacheck: ignore (the scripts' _G)

local strict = {}

local INSTALLED = "/share/lua"
local TOPMOST = 200 -- as many locals as a function can have

local is_on = false
local cwd, folder -- absolute, "" for the root
local known = {}  -- source of a file -> whether it is the script's
local declared = {}                                  -- names of globals that may hold nil
local exempt = setmetatable({}, { __mode = "k" })    -- prototypes of functions in text that a library has loaded
local asked = setmetatable({}, { __mode = "k" })     -- function -> name -> lines that use a field of that name

--- "/home/me/b.lua" for "./a/../b.lua" in /home/me.
local function absolute(path)
  if path:sub(1, 1) ~= "/" then path = cwd .. "/" .. path end
  local parts = {}
  for part in path:gmatch("[^/]+") do
    if part == ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = "/" .. part
    end
  end
  return table.concat(parts)
end

local function is_ours(path)
  path = absolute(path)
  return path:sub(1, #folder + 1) == folder .. "/" and not path:find(INSTALLED, #folder + 1, true)
end

--- Is the function of this frame the script's?
---@param info table from debug.getinfo, with "S" and "f"
local function is_strict(info)
  if info.what == "C" then return false end
  local source = info.source
  if source:sub(1, 1) ~= "@" then
    return not errors.is_library(info.func) and not exempt[util.funcinfo(info.func).proto]
  end
  local verdict = known[source]
  if verdict == nil then
    verdict = is_ours(source:sub(2))
    known[source] = verdict
  end
  return verdict
end

-- Operations by what they compile to: (GGET | GSET) A D, (TGETS | TSETS) A B C. ------------------------------------

local function operation_of(fn)
  return bit.band((util.funcbc(fn, 1)), 0xff)
end

local READ = {
  by_name = operation_of(function() return _G end),
  as_field = operation_of(function(t) return t.name end),
}
local WRITE = {
  by_name = bit.band((util.funcbc(function() name = 1 end, 2)), 0xff), -- luacheck: ignore (never called)
  as_field = bit.band((util.funcbc(function(t) t.name = 1 end, 2)), 0xff),
}

--- Is there an instruction on that line of the function that uses `name` by its name, and none that uses a field?
local function is_by_name(fn, line, operations, name)
  local found = false
  for pc = 1, util.funcinfo(fn).bytecodes - 1 do
    local instruction = util.funcbc(fn, pc)
    local operation, constant = bit.band(instruction, 0xff), nil
    if operation == operations.by_name then
      constant = bit.rshift(instruction, 16)
    elseif operation == operations.as_field then
      constant = bit.band(bit.rshift(instruction, 16), 0xff)
    end
    if constant and util.funck(fn, -constant - 1) == name and util.funcinfo(fn, pc).currentline == line then
      if operation == operations.as_field then return false end
      found = true
    end
  end
  return found
end

--- Does this frame of the script use the global by its name? Other uses are remembered, for loops.
local function uses_name(info, operations, name)
  local fn, line = info.func, info.currentline
  local names = asked[fn]
  if names and names[name] and names[name][line] then return false end
  if is_by_name(fn, line, operations, name) then return true end
  if not names then
    names = {}
    asked[fn] = names
  end
  names[name] = names[name] or {}
  names[name][line] = true
  return false
end

-- What was meant ---------------------------------------------------------------------------------------------------

--- Names that a frame can see, as a set.
local function visible(level)
  local names = {}
  for name in next, globals do names[name] = true end
  for name in pairs(declared) do names[name] = true end
  for i = 1, TOPMOST do
    local name = getlocal(level + 1, i)
    if not name then break end
    names[name] = true
  end
  local fn = getinfo(level + 1, "f").func
  for i = 1, TOPMOST do
    local name = getupvalue(fn, i)
    if not name then break end
    names[name] = true
  end
  return names
end

--- ", did you mean 'aggr.fetch'?" for a name that is in a library, ", did you mean 'print'?" or "".
local function suggestion(name, names)
  if rawget(require "aggr", name) ~= nil then return (", did you mean 'aggr.%s'?"):format(name) end
  for _, library in ipairs { "string", "table", "math", "io", "os" } do
    local holder = rawget(globals, library)
    if type(holder) == "table" and rawget(holder, name) ~= nil then
      return (", did you mean '%s.%s'?"):format(library, name)
    end
  end
  names[name] = nil
  return options.hint(name, names)
end

local function hint_for(name)
  if name == "aggr" then return 'scripts begin with: local aggr = require "aggr"' end
  return ("_G.%s asks whether there is one; an assignment outside of functions declares it"):format(name)
end

local function undefined(name, names)
  local meant = name ~= "aggr" and suggestion(name, names) or ""
  errors.raise("usage", ("undefined global '%s'%s"):format(name, meant),
    { hint = meant == "" and hint_for(name) or nil })
end

local function undeclared(name, names)
  names[name] = nil
  errors.raise("usage", ("assignment to undefined global '%s' inside a function%s"):format(name,
    options.hint(name, names)),
    { hint = ("write 'local %s', or declare it by an assignment outside of functions"):format(name) })
end

-- _G's metatable ---------------------------------------------------------------------------------------------------

--- Is this a frame whose use of an undefined global is a mistake?
local function is_mistake(info, operations, name)
  return info and type(name) == "string" and not declared[name] and is_strict(info)
    and getfenv(info.func) == globals and uses_name(info, operations, name)
end

local meta = {}

function meta.__index(_, name)
  if is_mistake(getinfo(2, "Slf"), READ, name) then undefined(name, visible(2)) end
  return nil
end

function meta.__newindex(t, name, value)
  local info = getinfo(2, "Slf")
  if (not info or info.what ~= "main") and is_mistake(info, WRITE, name) then undeclared(name, visible(2)) end
  declared[name] = true
  rawset(t, name, value)
end

--- The innermost frame that is neither the library's nor C's.
local function caller()
  local level = 2
  while true do
    local info = getinfo(level, "Sf")
    if not info or not errors.is_library(info.func) then return info end
    level = level + 1
  end
end

local function exempt_all(prototype)
  exempt[prototype] = true
  for i = 1, util.funcinfo(prototype).gcconsts do
    local constant = util.funck(prototype, -i)
    if type(constant) == "proto" then exempt_all(constant) end
  end
end

--- A chunk that was loaded, or nil and why not. Text without a file is its loader's: libraries' stays lax.
---@param chunk function?
---@param err string?
function strict.loaded(chunk, err)
  if not chunk then return nil, err end
  if is_on and getinfo(chunk, "S").source:sub(1, 1) ~= "@" then
    local loader = caller()
    if loader and not is_strict(loader) then exempt_all(util.funcinfo(chunk).proto) end
  end
  return chunk
end

--- Check the scripts' globals from now on; those that are there are declared.
---@param script string? path of the script's file; nil for a text without one, whose folder is the current one
---@param name string what the script's chunk is called
function strict.install(script, name)
  cwd = sys.cwd() or ""
  folder = absolute(script and script:match("^.*/") or ".")
  known["@" .. name] = true
  for global in next, globals do declared[global] = true end
  is_on = true
  setmetatable(globals, meta)
end

return strict
