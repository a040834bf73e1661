--- aggr.options: option tables as people misspell them, and the defaults of the run.
local errors = require "aggr.errors"

local options = {}

--- What holds where neither call, scope nor client says otherwise. The command line sets some.
options.defaults = {
  timeout = 10,
  connect_timeout = 5,
  idle_timeout = false,
  max_body = 16 * 2 ^ 20,
  redirects = 10,
  concurrency = 128,
  per_host = 32,
}

--- Edit distance (insert, delete, replace, swap of neighbours).
local function distance(a, b)
  local before, last, this = {}, {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    this[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      this[j] = math.min(last[j] + 1, this[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        this[j] = math.min(this[j], before[j - 2] + 1)
      end
    end
    before, last, this = last, this, before
  end
  return last[#b]
end

--- Of two equally near names the one with the right first letter was meant.
local function is_better(name, candidate, found)
  if not found then return false end
  local a, b = candidate:sub(1, 1) == name:sub(1, 1), found:sub(1, 1) == name:sub(1, 1)
  if a ~= b then return a end
  return candidate < found
end

--- The nearest of `names` (a set: name → anything), when it is near enough to have been meant. The
--- beginning of a name is near to it.
---@param name string
---@param names table<string, any>
---@return string?
function options.nearest(name, names)
  local best, found = math.max(1, math.min(3, math.floor(#name / 2))) + 1, nil
  if #name > 64 then return nil end
  for candidate in pairs(names) do
    if type(candidate) == "string" then
      local typed, word = name:lower(), candidate:lower()
      local is_beginning = #typed > 1 and word:sub(1, #typed) == typed
      local d = is_beginning and 1 or distance(typed, word)
      if d < best and d < math.max(#typed, #word) or d == best and is_better(name, candidate, found) then
        best, found = d, candidate
      end
    end
  end
  return found
end

--- ", did you mean 'timeout'?" or "".
---@param name string
---@param names table<string, any>
---@return string
function options.hint(name, names)
  local near = type(name) == "string" and options.nearest(name, names)
  return near and (", did you mean '" .. near .. "'?") or ""
end

--- Is `value` a table as people write them, not an object of the library?
---@return boolean
function options.is_table(value)
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return type(meta) ~= "table" or rawget(meta, "__name") == nil
end

--- What each function of the library takes, by its name as scripts write it; tables among the options
--- by their option's name. Filled as the modules are loaded, and read by `aggr check`.
---@type table<string, { at: integer?, known: table<string, any>, unknown: function }>
options.of = {}

--- "aggr.fetch: unknown option 'timout', did you mean 'timeout'?"
---@param name string
---@param known table<string, any>
---@param what string the called function
---@return string
function options.unknown(name, known, what)
  return ("%s: unknown option '%s'%s"):format(what, name, options.hint(name, known))
end

--- Make known what a function takes. Returns `known`.
---@param what string
---@param at integer? which argument the options are
---@param known table<string, any>
---@param unknown (fun(name: string, known: table, what: string): string)? says what is wrong with another name
function options.declare(what, at, known, unknown)
  options.of[what] = { at = at, known = known, unknown = unknown or options.unknown }
  return known
end

local RANK = { string = 1, number = 2 }

local function goes_before(a, b)
  local kind, other = RANK[type(a)] or 3, RANK[type(b)] or 3
  if kind ~= other then return kind < other end
  if kind == 3 then return tostring(a) < tostring(b) end
  return a < b
end

--- As pairs: strings first, sorted.
local function sorted_pairs(t)
  local names, i = {}, 0
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names, goes_before)
  return function()
    i = i + 1
    return names[i], t[names[i]]
  end
end

--- pass(pairs, given, ...) and what it returns. When that raises kind `usage` it is done over with
--- a `pairs` that is sorted: of several wrong entries it is always the same that is named.
---@param pass fun(pairs: function, given: table, ...): any
---@param given table
---@return any
function options.each(pass, given, ...)
  local ok, result = pcall(pass, pairs, given, ...)
  if ok then return result end
  if errors.is(result) and result.kind == "usage" then pass(sorted_pairs, given, ...) end
  error(result, 0)
end

local function refuse_unknown(given, known, what)
  for name in sorted_pairs(given) do
    if known[name] == nil then
      if type(name) ~= "string" then
        errors.usage(1, "%s: options are named, got the key %s", what, errors.show(name))
      end
      errors.usage(1, "%s", options.unknown(name, known, what))
    end
  end
end

--- Raise kind `usage` unless `given` is nil or a table whose keys are all in `known`.
---@param given table?
---@param known table<string, any>
---@param what string the called function, as in "aggr.fetch"
---@return table given or an empty table
function options.check(given, known, what)
  if given == nil then return {} end
  if not options.is_table(given) then
    errors.usage(1, "%s: options must be a table, got %s", what, errors.show(given))
  end
  for name in pairs(given) do
    if known[name] == nil then refuse_unknown(given, known, what) end
  end
  return given
end

--- A whole number of at least `least`. Raises kind `usage` for anything else.
---@param value any
---@param least integer
---@param what string
---@return integer
function options.count(value, least, what)
  if type(value) ~= "number" or value % 1 ~= 0 or value < least or value > 2 ^ 31 - 1 then
    local got = errors.show(value)
    errors.usage(1, "%s must be a whole number of at least %d, got %s", what, least, got)
  end
  return value
end

return options
