--- check.spawn: g:spawn in a loop that may start any number of tasks at once.
--
-- A loop is fine when it makes at most 64 rounds, when how many is a number that somebody chose (a name, a
-- setting), or when it waits for something itself.
local value = require "check.value"

local spawn = {}

local MOST = 64 -- the limit that aggr.map has

local function is_of_group(node)
  return node.tag == "Call" and value.path(node[1]) == "aggr.group"
end

--- Is this function given to aggr.group, here or under its name?
local function is_group_body(fn)
  if fn.is_group_body == nil then
    fn.is_group_body = is_of_group(fn.parent)
    for _, id in ipairs(fn.bound and fn.bound.uses or {}) do
      fn.is_group_body = fn.is_group_body or is_of_group(id.parent)
    end
  end
  return fn.is_group_body
end

--- Is this expression the group that aggr.group hands to its function?
---@param node table
---@return boolean
function spawn.is_group(node)
  node = value.of(node)
  local known = node.tag == "Id" and node.binding
  return known and known.param_of and known.position == 1 and known.writes == 0
    and is_group_body(known.param_of) or false
end

--- How long a list is. Somebody wrote it out, or it is filled elsewhere with any number of items.
local function count_of_list(node)
  local made = value.of(node)
  return made.tag == "Table" and #made > 0 and #made or math.huge
end

local function count_of_range(loop)
  local first, last = value.number(loop[2]), value.number(loop[3])
  local step = 1
  if #loop == 5 then step = value.number(loop[4]) end
  if not step or step == 0 then return 1 end
  if first and last then return math.max(0, math.floor((last - first) / step) + 1) end
  local bound = value.of(loop[3])
  if bound.tag == "Op" and bound[1] == "len" then return count_of_list(bound[2]) end
  return value.path(bound) == "math.huge" and math.huge or 1 -- a number that somebody chose
end

local WHOLE = { pairs = true, ipairs = true }

local function count_of_iterator(loop)
  local call = loop[2][1]
  local is_whole = call.tag == "Call" and WHOLE[value.path(call[1])] and call[2]
  return is_whole and count_of_list(call[2]) or math.huge
end

local ENDLESS = { While = { True = true, Number = true }, Repeat = { False = true, Nil = true } }

--- A condition that is no constant may well bound the loop.
local function count_of_condition(loop)
  local condition = loop.tag == "While" and loop[1] or loop[2]
  return ENDLESS[loop.tag][value.of(condition).tag] and math.huge or 1
end

local ROUNDS = {
  Fornum = count_of_range, Forin = count_of_iterator,
  While = count_of_condition, Repeat = count_of_condition,
}

local WAITS = { wait = true, recv = true, send = true }
local LEAVES = { Break = true, Return = true, Goto = true }

--- Does the loop wait for something, or leave by itself? Functions in it run elsewhere.
local function waits(node)
  if node.tag == "Function" then return false end
  if node.tag == "Invoke" and WAITS[node[2][1]] then return true end
  if LEAVES[node.tag] then return true end
  for i = 1, #node do
    if type(node[i]) == "table" and waits(node[i]) then return true end
  end
  return false
end

local function rounds_of(loop)
  if not loop.rounds then loop.rounds = waits(loop) and 1 or ROUNDS[loop.tag](loop) end
  return loop.rounds
end

--- How many rounds the loops around a call make together; what is not known counts as one.
local function rounds_around(node)
  local rounds, at = 1, node.parent
  while at and at.tag ~= "Function" do
    if ROUNDS[at.tag] then rounds = rounds * rounds_of(at) end
    at = at.parent
  end
  return rounds
end

---@param file aggr.CheckFile
function spawn.check(file)
  for _, node in ipairs(file.tree.calls) do
    if node.tag == "Invoke" and node[2][1] == "spawn" and spawn.is_group(node[1]) and rounds_around(node) > MOST then
      file:add("unbounded-spawn", node.line, file:column(node),
        "this loop may start any number of tasks at once",
        "aggr.map(list, fn, { limit = 64 }) or aggr.each(input, fn, { limit = 64 }) bounds them")
    end
  end
end

return spawn
