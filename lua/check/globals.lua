--- check.globals: globals that nothing defines, and those that a forgotten `local` makes.
--
-- What is read and assigned comes from the bytecode, so it is what LuaJIT will do; the tree says in which
-- column, and which local was meant. A global that the main chunk assigns is meant to be one.
local options = require "aggr.options"
local tree_of = require "check.tree"
local util = require "jit.util"

local globals = {}

local bit = bit

--- The operation of instruction `pc` of code that is known to have it there.
local function operation(code, pc)
  return bit.band(util.funcbc(loadstring(code), pc), 0xff)
end
local READ, ASSIGN = operation("return x", 1), operation("x = 1", 2)

local function scan(proto, is_main, found)
  local pc = 1
  while true do
    local instruction = util.funcbc(proto, pc)
    if not instruction then break end
    local op = bit.band(instruction, 0xff)
    if op == READ or op == ASSIGN then
      found[#found + 1] = {
        name = util.funck(proto, -bit.rshift(instruction, 16) - 1), is_read = op == READ, in_main = is_main,
        line = util.funcinfo(proto, pc).currentline,
      }
    end
    pc = pc + 1
  end
  local index = -1
  while true do
    local constant = util.funck(proto, index)
    if not constant then return found end
    if type(constant) == "proto" then scan(constant, false, found) end
    index = index - 1
  end
end

--- Every access to a global: { name, is_read, in_main, line }.
---@param fn function
---@return table[]
function globals.accesses(fn)
  return scan(fn, true, {})
end

--- _G.name = … and _G["name"] = … assign too.
local function add_fields_of_G(tree, names)
  local G = tree and tree.globals._G
  for _, id in ipairs(G and G.uses or {}) do
    local index = id.parent
    if index.tag == "Index" and index[1] == id and index.target and index[2].tag == "String" then
      names[index[2][1]] = true
    end
  end
end

--- Adds the globals that a file defines, because its main chunk assigns them, to the set `names`.
---@param file aggr.CheckFile
---@param names table<string, boolean>
function globals.defined(file, names)
  for _, access in ipairs(file.accesses) do
    if access.in_main and not access.is_read then names[access.name] = true end
  end
  add_fields_of_G(file.tree, names)
end

local OPENS = { setfenv = true, getfenv = true, module = true, load = true, loadstring = true, loadfile = true,
  dofile = true, loadlib = true }
local READS_ONLY = { rawget = true, pairs = true, next = true, type = true }

local function is_read_of_G(id)
  local parent = id.parent
  if parent.tag == "Index" then return parent[1] == id and parent[2].tag == "String" end
  return parent.tag == "Call" and parent[1].tag == "Id" and READS_ONLY[parent[1][1]] and parent[2] == id
end

--- May globals come and go in ways that are not to be seen: setfenv, load, _G under another name?
---@param file aggr.CheckFile
---@return boolean
function globals.are_open(file)
  for _, access in ipairs(file.accesses) do
    if OPENS[access.name] then return true end
  end
  local G = file.tree and file.tree.globals._G
  for _, id in ipairs(G and G.uses or {}) do
    if not is_read_of_G(id) then return true end
  end
  return false
end

local MOST_LINES = 50 -- of a value: the assignment has the line of its end

local function by_line(ids)
  local lines = {}
  for _, id in ipairs(ids) do lines[id.line] = lines[id.line] or id end
  return lines
end

--- The Id of an access: the last of its name up to its line.
local function id_of(file, access)
  local global = file.tree and file.tree.globals[access.name]
  if not global then return nil end
  local kind = access.is_read and "uses" or "targets"
  global.lines = global.lines or { uses = by_line(global.uses), targets = by_line(global.targets) }
  for line = access.line, access.line - MOST_LINES, -1 do
    if global.lines[kind][line] then return global.lines[kind][line] end
  end
end

local function place_of(file, access)
  local id = id_of(file, access)
  if id then return id.line, file:column(id), tree_of.visible(id) end
  local line = file:line(access.line)
  return access.line, line:find("%f[%w_]" .. access.name:gsub("%W", "%%%0") .. "%f[^%w_]") or 1, {}
end

local HINT_AGGR = 'scripts begin with: local aggr = require "aggr"'

local function undefined(file, access, known)
  local line, column, names = place_of(file, access)
  for name in pairs(known) do names[name] = true end
  file:add("undefined-global", line, column,
    ("undefined global '%s'%s"):format(access.name, options.hint(access.name, names)),
    access.name == "aggr" and HINT_AGGR or "it reads as nil; a misspelt name, or one that is not in scope here")
end

local function assigned(file, access)
  local line, column, names = place_of(file, access)
  file:add("assigned-global", line, column,
    ("a function assigns the global '%s'%s"):format(access.name, options.hint(access.name, names)),
    "begin it with 'local', or assign it in the main chunk first")
end

--- `known` is the set of globals that scripts have, and that the main chunks of other files define.
---@param file aggr.CheckFile
---@param known table<string, any>
function globals.check(file, known)
  if globals.are_open(file) then return end
  local defined, made = {}, {}
  for name in pairs(known) do defined[name] = true end
  globals.defined(file, defined)
  for _, access in ipairs(file.accesses) do
    if not access.is_read and not defined[access.name] then made[access.name] = true end
  end
  for _, access in ipairs(file.accesses) do
    if file:is_full() then return end
    if not defined[access.name] and (not access.is_read or not made[access.name]) then
      if access.is_read then undefined(file, access, defined) else assigned(file, access) end
    end
  end
end

return globals
