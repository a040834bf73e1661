--- aggr.pointer: JSON Pointers (RFC 6901), alone or many of them in a table, as the tree that
--- aggr.core.pick looks for.
local errors = require "aggr.errors"
local options = require "aggr.options"

local pointer = {}

--- The keys and indices that a pointer leads by; or nil and what is wrong with it.
---@param text string
---@return string[]? tokens, string? wrong
function pointer.parse(text)
  if text == "" then return {} end
  if text:byte() ~= 47 then return nil, "it is empty, or begins with '/'" end
  if text:find "~[^01]" or text:find "~$" then return nil, "~ stands for itself as ~0, and ~1 for /" end
  local tokens = {}
  for token in text:gmatch "/([^/]*)" do
    tokens[#tokens + 1] = token:gsub("~1", "/"):gsub("~0", "~")
  end
  return tokens
end

--- What is wanted: a tree of places, as aggr.core.pick has it.
---@class aggr.Wanted
---@field keys string[]
---@field counts integer[]
---@field names any[][]     of each place: its value's keys in the result
---@field single boolean    no table was given: the value of the one place is the result

local function parsed(text, what)
  if type(text) ~= "string" then
    errors.usage(1, "%s: a JSON Pointer is a string, got %s", what, errors.show(text))
  end
  local tokens, wrong = pointer.parse(text)
  if not tokens then errors.usage(1, "%s: %s is no JSON Pointer (%s)", what, errors.show(text), wrong) end
  return tokens
end

--- By length, then by bytes: as base/json_want.h has it.
local function goes_before(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

--- A place in the tree: those below it by their keys, and the names of its value.
local function place() return { below = {}, names = {} } end

local function add(root, tokens, name)
  local at = root
  for _, token in ipairs(tokens) do
    at.below[token] = at.below[token] or place()
    at = at.below[token]
  end
  at.names[#at.names + 1] = name
end

--- The tree in one list: a place, and later on all that are below it.
local function flatten(root, single)
  local keys, counts, names, places = { "" }, {}, {}, { root }
  local i = 0
  while i < #places do
    i = i + 1
    local below = {}
    for key in pairs(places[i].below) do below[#below + 1] = key end
    table.sort(below, goes_before)
    for _, key in ipairs(below) do
      keys[#keys + 1] = key
      places[#places + 1] = places[i].below[key]
    end
    counts[i], names[i] = #below, places[i].names
  end
  return { keys = keys, counts = counts, names = names, single = single }
end

--- Raises kind `usage` at the script's place for what is no pointer.
---@param pointers string|table<any, string>
---@param what string the called function
---@return aggr.Wanted
function pointer.wanted(pointers, what)
  local root = place()
  if type(pointers) == "string" then
    add(root, parsed(pointers, what), 1)
    return flatten(root, true)
  end
  if not options.is_table(pointers) then
    errors.usage(1, "%s: expected a JSON Pointer ('/a/b') or a table of them, got %s", what, errors.show(pointers))
  end
  for name, text in pairs(pointers) do add(root, parsed(text, what), name) end
  return flatten(root, false)
end

return pointer
