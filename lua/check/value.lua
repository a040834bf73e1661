--- check.value: what an expression is known to be without running anything.
--
-- "Known" is meant strictly: a local or global counts as its value only when nothing else is ever assigned to
-- it, a table only while nothing can have changed it.
local duration = require "aggr.duration"
local options = require "aggr.options"

local value = {}

local MOST_HOPS = 50 -- names that stand for names

--- The one value of a local or global, or nil.
local function only_value(known)
  if known.plain and known.value ~= nil then return known.writes == 0 and known.value or nil end
  if known.param_of or not known.plain and not known.top then return nil end
  return known.writes == 1 and known.written or nil
end

--- The expression behind parentheses and names.
---@param node table
---@return table
function value.of(node)
  for _ = 1, MOST_HOPS do
    local inner
    if node.tag == "Paren" then
      inner = node[1]
    elseif node.tag == "Id" then
      inner = only_value(node.binding or node.global)
    end
    if not inner then return node end
    node = inner
  end
  return node
end

local function text_of(node)
  node = value.of(node)
  return node.tag == "String" and node[1] or nil
end

local path_of

--- require "aggr" -> "aggr"
local function required(call, hops)
  local name = call[2] and text_of(call[2])
  if name == "aggr" and path_of(call[1], hops) == "require" then return name end
end

--- The dotted name of a function of Lua's or aggr's: "os.execute", "aggr.fetch".
function path_of(node, hops)
  hops = (hops or 0) + 1
  node = value.of(node)
  if hops > MOST_HOPS then return nil end
  if node.tag == "Id" then
    return node.global and node.global.writes == 0 and node.global.name or nil
  elseif node.tag == "Call" then
    return required(node, hops)
  elseif node.tag == "Index" then
    local base, name = path_of(node[1], hops), text_of(node[2])
    return base and name and base .. "." .. name
  end
end

---@param node table
---@return string?
function value.path(node)
  return path_of(node)
end

--- The string that an expression is, or nil.
---@param node table
---@return string?
function value.text(node)
  return text_of(node)
end

local ARITHMETIC = {
  add = function(a, b) return a + b end, sub = function(a, b) return a - b end,
  mul = function(a, b) return a * b end, div = function(a, b) return a / b end,
}

local function calculated(node)
  if node[1] == "unm" then
    local of = value.number(node[2])
    return of and -of
  end
  local calculate = ARITHMETIC[node[1]]
  local a, b = calculate and value.number(node[2]), calculate and value.number(node[3])
  return a and b and calculate(a, b)
end

--- The number that an expression is, or nil.
---@param node table
---@return number?
function value.number(node)
  node = value.of(node)
  if node.tag == "Number" then return tonumber(node[1]) end
  if node.tag ~= "Op" then return nil end
  if node.number == nil then
    node.number = false -- also what a name has that stands for itself
    node.number = calculated(node) or false
  end
  return node.number or nil
end

--- Is an expression sure to be a string? What settings and arguments hold is: they come from people.
---@param node table
---@return boolean
function value.is_text(node)
  node = value.of(node)
  if node.tag == "String" then return true end
  if node.tag == "Op" then return node[1] == "concat" end
  if node.tag ~= "Index" then return false end
  local base = value.of(node[1])
  local path = value.path(base.tag == "Call" and base[1] or base)
  return path == "arg" or path == "aggr.args" or base.tag == "Call" and path == "aggr.settings"
end

--- The seconds that a duration is, or nil.
---@param node table
---@return number?
function value.seconds(node)
  local ok, seconds = pcall(duration.seconds, value.number(node) or value.text(node), "")
  return ok and seconds or nil
end

---@param node table
---@return table? the Function node
function value.func(node)
  node = value.of(node)
  return node.tag == "Function" and node or nil
end

--- Is a table safe where this Id hands it out? aggr's own functions do not change what they get.
local function is_harmless(id)
  local parent = id.parent
  if parent.tag == "Op" then return parent[1] == "len" end
  if parent.tag ~= "Call" or parent[1] == id then return false end
  local path = value.path(parent[1])
  return path ~= nil and options.of[path] ~= nil
end

local function is_settled(known)
  if known.settled == nil then
    known.settled = true
    for _, id in ipairs(known.uses) do
      if not is_harmless(id) then
        known.settled = false
        break
      end
    end
  end
  return known.settled
end

--- The Table node that an expression is, when nothing can have changed the table; nil otherwise.
---@param node table
---@return table?
function value.table(node)
  for _ = 1, MOST_HOPS do
    if node.tag == "Table" then return node end
    local inner
    if node.tag == "Paren" then
      inner = node[1]
    elseif node.tag == "Id" then
      local known = node.binding or node.global
      inner = is_settled(known) and only_value(known)
    end
    if not inner then return nil end
    node = inner
  end
end

--- What a table's expression gives for a name: "given" and the node; "absent" (nil too); "unknown".
---@param node table? the expression; nil where an argument is left out
---@param name string
---@return "given"|"absent"|"unknown", table?
function value.field(node, name)
  if not node or value.of(node).tag == "Nil" then return "absent" end
  local made = value.table(node)
  if not made then return "unknown" end
  local found
  for _, item in ipairs(made) do
    if item.tag == "Pair" then
      local key = value.of(item[1])
      if key.tag ~= "String" and key.tag ~= "Number" then return "unknown" end
      if key[1] == name and key.tag == "String" then found = item[2] end
    end
  end
  if not found or value.of(found).tag == "Nil" then return "absent" end
  return "given", found
end

--- Is it sure that a table's expression does not give this name, or gives false?
---@param node table? as of value.field
---@param name string
---@return boolean
function value.lacks(node, name)
  local state, found = value.field(node, name)
  return state == "absent" or state == "given" and value.of(found).tag == "False"
end

--- The values of a table's entries in order; a call at the end may stand for more. Nil when it is not known.
---@param node table
---@return table[]?
function value.entries(node)
  local made = value.table(node)
  if not made then return nil end
  local list = {}
  for i, item in ipairs(made) do list[i] = item.tag == "Pair" and item[2] or item end
  return list
end

return value
