--- prelude.gsub: string.gsub whose callbacks may wait, written over string.find.
--
-- Only for a function, or a table with a metatable, as replacement; everything else is Lua's own.
local raw_gsub, find, sub, byte = string.gsub, string.find, string.sub, string.byte
local raw_pcall = pcall

local shim = {}

local INVALID = "invalid replacement value (a %s)"

--- What replaces a match: a string, or false to keep it. `...` are its captures.
local function replacement(repl, is_table, ...)
  local value
  if is_table then value = repl[(...)] else value = repl(...) end
  if not value then return false end
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return tostring(value) end
  error(INVALID:format(kind), 5)
end

--- One match given by string.find's results: where it is, and what replaces it.
local function replace_one(s, repl, is_table, first, last, ...)
  if not first then return nil end
  local new
  if select("#", ...) == 0 then
    new = replacement(repl, is_table, sub(s, first, last))
  else
    new = replacement(repl, is_table, ...)
  end
  return first, last, new
end

local function checked(ok, ...)
  if ok then return ... end
  local message = (...)
  error(type(message) == "string" and message:match("^%(aggr%) prelude/gsub%.lua:%d+: (.*)$") or message, 4)
end

local function substitute(s, pattern, repl, limit)
  local is_table = type(repl) == "table"
  local anchored = byte(pattern, 1) == 94 -- ^
  local pieces, count, copied, at = {}, 0, 1, 1
  while count < limit do
    local first, last, new
    if count == 0 then -- a pattern's mistakes are found by the first search
      first, last, new = replace_one(s, repl, is_table, checked(raw_pcall(find, s, pattern, at)))
    else
      first, last, new = replace_one(s, repl, is_table, find(s, pattern, at))
    end
    if not first then break end
    count = count + 1
    if new then
      pieces[#pieces + 1] = sub(s, copied, first - 1)
      pieces[#pieces + 1] = new
      copied = last + 1
    end
    at = last < first and first + 1 or last + 1
    if anchored or at > #s + 1 then break end
  end
  if #pieces == 0 then return s, count end
  pieces[#pieces + 1] = sub(s, copied)
  return table.concat(pieces), count
end

local function is_text(value)
  return type(value) == "string" or type(value) == "number"
end

function shim.gsub(s, pattern, repl, ...)
  local may_wait = type(repl) == "function" or type(repl) == "table" and getmetatable(repl) ~= nil
  local limit = ...
  if not may_wait or not is_text(s) or not is_text(pattern) or (limit ~= nil and not tonumber(limit)) then
    return raw_gsub(s, pattern, repl, ...)
  end
  s, pattern = tostring(s), tostring(pattern)
  limit = limit and tonumber(limit) or #s + 1
  local result, count = substitute(s, pattern, repl, limit - math.fmod(limit, 1))
  return result, count
end

function shim.install(script)
  script.string.gsub = shim.gsub
end

return shim
