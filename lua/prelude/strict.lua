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
local meant = require "prelude.meant"
local naming = require "prelude.naming"
local options = require "aggr.options"
local sys = require "aggr.core.sys"
local util = require "jit.util"

local getinfo, getfenv = debug.getinfo, getfenv

local globals = script -- luacheck: ignore (the scripts' _G)

local strict = {}

local INSTALLED = "/share/lua/"

local is_on = false
local cwd, folder -- absolute, "" for the root
local known = {} -- source of a file -> whether it is the script's
local declared = {} -- names of globals that may hold nil
local exempt = setmetatable({}, { __mode = "k" }) -- prototypes of functions in text that a library has loaded

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

local function undefined(name, names)
  local suggestion = meant.suggestion(name, names)
  errors.raise("usage", ("undefined global '%s'%s"):format(name, suggestion),
    { hint = suggestion == "" and meant.hint(name) or nil })
end

local function undeclared(name, names)
  errors.raise("usage", ("assignment to undefined global '%s' inside a function%s"):format(name,
    options.hint(name, names)),
    { hint = ("write 'local %s', or declare it by an assignment outside of functions"):format(name) })
end

--- Is this a frame whose use of an undefined global is a mistake?
local function is_mistake(info, operations, name)
  return info and type(name) == "string" and not declared[name] and is_strict(info)
    and getfenv(info.func) == globals and naming.is_global(info, operations, name)
end

local meta = {}

function meta.__index(_, name)
  if is_mistake(getinfo(2, "Slf"), naming.READ, name) then undefined(name, meant.visible(name, declared, 2)) end
  return nil
end

function meta.__newindex(t, name, value)
  local info = getinfo(2, "Slf")
  if (not info or info.what ~= "main") and is_mistake(info, naming.WRITE, name) then
    undeclared(name, meant.visible(name, declared, 2))
  end
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
