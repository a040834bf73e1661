--- aggr.values: JSON values one behind the other (NDJSON, or joined in any way), one by one.
--
-- Of a stream only the value under way is kept, and what is left of its piece.
local core = require "aggr.core.stream"
local errors = require "aggr.errors"
local json = require "aggr.json"
local json_core = require "aggr.core.json"
local response = require "aggr.response"

local values = {}

local without_ends = setmetatable({}, { __mode = "k" }) -- iterators of lines

--- Make known that what `lines` gives are lines without their ends. Returns it.
---@generic F
---@param lines F
---@return F
function values.by_line(lines)
  without_ends[lines] = true
  return lines
end

--- The state of one `json.values`.
---@class aggr.Values
---@field stream userdata
---@field how aggr.Decoding
---@field read (fun(): string?)?  gives the next piece; nil: there is no other
---@field line_end string         that belongs behind each piece
---@field response aggr.Response?
---@field turn integer            offset of the value at which others had a turn
---@field begun integer           offset of the last value
---@field busy boolean            a task waits for the next value
---@field done boolean

local function refuse(v, what, offset, keys)
  local message, fields = json.complaint(what, keys, offset, core.excerpt(v.stream, offset))
  v.done = true
  if v.response then response.refuse(v.response, message, fields) end
  errors.raise("decode", "not JSON: " .. message, fields)
end

local function feed(v)
  local largest = v.how.max_size
  local kept, begun = core.kept(v.stream)
  if largest and kept > largest then refuse(v, json.too_long(largest), begun + largest, {}) end
  local piece = v.read and v.read()
  if piece == nil then
    v.read = nil
    core.finish(v.stream)
  elseif type(piece) == "string" then
    core.feed(v.stream, piece .. v.line_end)
  else
    errors.usage(1, "json.values: the source gave %s, not a piece of text", errors.show(piece))
  end
end

--- The next value; nil: that was it.
local function next_value(v)
  while true do
    local found, what, offset, keys = core.next(v.stream, core.SLICE)
    if found == nil then found, what, offset, keys = json.in_slices(core.next, v.stream, core.SLICE) end
    if found == true then
      local begun = what
      v.begun = begun
      what, offset = json.overlong(v.stream, v.how)
      if what then
        found, keys = false, {}
      else
        found, what, offset, keys = json.read(v.stream, v.how)
      end
      if found and what ~= nil then return what end -- else a null that was to be dropped
      offset = not found and begun + offset
    end
    if found == "more" then
      feed(v)
    elseif found == "end" then
      v.done = true
      return nil
    elseif not found then
      refuse(v, what, offset, keys)
    end
  end
end

local function check_and_next(v)
  local is_turn = v.begun - v.turn >= json_core.SLICE
  if is_turn then v.turn = v.begun end
  json.check(is_turn)
  return next_value(v)
end

local function advance(v)
  if v.done then return nil end
  if v.busy then
    errors.usage(1, "json.values: two tasks read from one iterator (give each its values with aggr.each)")
  end
  v.busy = true
  local ok, value = pcall(check_and_next, v)
  v.busy = false
  if not ok then error(value, 0) end
  return value
end

local function pieces_of(source, v)
  if type(source) == "function" then
    v.read = source
    v.line_end = without_ends[source] and "\n" or ""
    return
  end
  if response.is(source) then
    v.response = source
  elseif type(source) ~= "string" then
    errors.usage(1, "json.values: expected a string, a Response or a function that gives pieces of text, got %s",
      errors.show(source))
  end
  core.feed(v.stream, source)
end

--- The values of a text that holds many of them, one behind the other, for `for` and `aggr.each`. Between two
--- there may be white space; between a number, true, false or null and what begins like one, there must be.
--- Raises kind `decode` where the text is no JSON, or ends inside a value.
---@param source string|aggr.Response|fun(): string? a function gives pieces, cut anywhere; `aggr.lines` does, too
---@param opts aggr.DecodeOptions? for each value
---@return fun(): any
function values.each(source, opts)
  local how = json.decoding(opts, "json.values")
  local v = {
    stream = core.stream(how.depth, how.any_integer), how = how, line_end = "", turn = 0, begun = 0, busy = false,
    done = false,
  }
  pieces_of(source, v)
  return function() return advance(v) end
end

return values
