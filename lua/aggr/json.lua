--- aggr.json: JSON text from values and back.
--
-- Encoding is aggr.encoder's; decoding is aggr.core.json behind errors that name the byte and the path.
local cjson = require "cjson"
local core = require "aggr.core.json"
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local exact = require "aggr.exact"
local mask = require "aggr.mask"
local options = require "aggr.options"
local size = require "aggr.size"
local utf8 = require "aggr.utf8"

local json = {}

--- JSON's null. Truthy, like every value but nil and false.
json.null = cjson.null

local function marker(name)
  return function(t)
    if type(t) ~= "table" then
      errors.usage(1, "aggr.%s: expected a table, got %s", name, errors.show(t))
    end
    encoder.mark(t, name)
    return t
  end
end

--- Mark a table as a JSON array, so that an empty one prints as `[]`. Returns it.
---@type fun(t: table): table
json.array = marker "array"

--- Mark a table as a JSON object, so that its number keys print as strings. Returns it.
---@type fun(t: table): table
json.object = marker "object"

local ENCODE_OPTIONS = options.declare("aggr.json.encode", 2, { pretty = true, sort_keys = true, invalid_utf8 = true })
local INVALID = { error = 0, replace = encoder.REPLACE }

local function check_flag(value, name)
  if value ~= nil and type(value) ~= "boolean" then
    errors.usage(1, "json.encode: %s must be true or false, got %s", name, errors.show(value))
  end
end

local function encoding(opts)
  options.check(opts, ENCODE_OPTIONS, "json.encode")
  check_flag(opts.pretty, "pretty")
  check_flag(opts.sort_keys, "sort_keys")
  local invalid = opts.invalid_utf8 == nil and 0 or INVALID[opts.invalid_utf8]
  if not invalid then
    errors.usage(1, "json.encode: invalid_utf8 must be 'error' or 'replace', got %s", errors.show(opts.invalid_utf8))
  end
  return (opts.pretty and encoder.PRETTY or 0) + (opts.sort_keys == false and encoder.UNSORTED or 0) + invalid
end

--- `value` as JSON text: keys sorted (unless their order was remembered, or `sort_keys = false`), no white
--- space unless `pretty`. Strings must be UTF-8, or `invalid_utf8 = "replace"` prints U+FFFD.
---@param value any aggr.null for JSON's null
---@param opts { pretty: boolean?, sort_keys: boolean?, invalid_utf8: "error"|"replace"|nil }?
---@return string
function json.encode(value, opts)
  if value == nil then
    errors.usage(1, "json.encode: nothing to encode (aggr.null for JSON's null)")
  end
  return encoder.encode(value, opts and encoding(opts) or 0)
end

--- The keys of an object: in the order of the text when it was decoded with `order = true`, new ones
--- behind them, sorted.
---@param t table
---@return string[]
function json.keys(t)
  if type(t) ~= "table" then errors.usage(1, "json.keys: expected a table, got %s", errors.show(t)) end
  return encoder.keys(t)
end

local DEPTH, DEEPEST = 1000, 3000
local AROUND = 15 -- characters shown on each side of what is wrong
local BIGINT = { exact = 0, string = core.BIG_STRING, number = core.BIG_NUMBER }

local decode, step = core.decoder { list = encoder.LIST, marks = encoder.marks, exact = exact.of }
local isyieldable = coroutine.isyieldable

local task -- aggr.core.task, where there is a scheduler

--- Long documents let the other tasks of this scheduler run from time to time.
function json.take_turns(core_task)
  task = core_task
end

local function can_wait()
  local me = task and task.self()
  return me and not me.unyielding and isyieldable()
end

--- go_on(pending, bytes) until its first result is not nil, the other tasks in between; in one go where
--- the running task cannot wait. Returns what it gave then.
---@param go_on fun(pending: userdata, bytes: number): boolean?, any, integer?, any[]?
---@param pending userdata
---@param slice integer bytes at a time
---@return boolean ok, any value, integer? offset, any[]? keys
function json.in_slices(go_on, pending, slice)
  local bytes = can_wait() and slice or math.huge
  while true do
    local ok, value, offset, keys = go_on(pending, bytes)
    if ok ~= nil then return ok, value, offset, keys end
    task.sleep(0)
    task.take()
  end
end

--- A checkpoint, where the running task can wait; with `is_turn`, one at which others run.
---@param is_turn boolean
function json.check(is_turn)
  if not can_wait() then return end
  if not is_turn then return task.check() end
  task.sleep(0)
  task.take()
end

--- The border of a character at or up to three bytes beyond byte `at` of `text`, in steps of `by`.
local function border(text, at, by)
  for _ = 1, 3 do
    local byte = text:byte(at)
    if not byte or byte < 0x80 or byte > 0xBF then break end
    at = at + by
  end
  return at
end

--- What is on both sides of a byte. It is masked before it is cut: a part of a secret would not be
--- known as one.
local function near(before, behind)
  before, behind = mask.text(before), mask.text(behind)
  local text = before:sub(border(before, math.max(1, #before - AROUND + 1), -1))
    .. behind:sub(1, border(behind, AROUND + 1, 1) - 1)
  return (utf8.mend(text):gsub("%c", function(c) return ("\\%d"):format(c:byte()) end))
end

--- What is wrong where, in words and as fields of an Error. `before` and `behind`: the text around it.
---@param what string
---@param keys any[] down to it
---@param offset integer
---@return string message, table fields
function json.complaint(what, keys, offset, line, column, before, behind)
  if behind == "" and what:find("^expected") then what = what .. ", but the text ends" end
  local path = encoder.path(keys, #keys)
  if path ~= "" and path:sub(1, 1) ~= "[" then path = "." .. path end
  local fields = { byte = offset + 1, line = line, column = column, path = path }
  if before == "" and behind == "" then return "the text is empty", fields end
  return ("at byte %d (line %d, column %d%s): %s near '%s'"):format(fields.byte, line, column,
    path ~= "" and ", " .. path or "", what, near(before, behind)), fields
end

--- What `json.decode` and `res:json` are asked for.
---@class aggr.DecodeOptions
---@field null "nil"?                           drop nulls, otherwise they are aggr.null
---@field depth integer?                        the most levels (1000)
---@field bigint "exact"|"string"|"number"|nil  what integers beyond 2^53 become (exact)
---@field order boolean?                        remember the order of keys: json.keys, json.encode
---@field strict boolean?                       refuse a key that comes twice in an object
---@field max_size integer|string|nil           the longest text

--- The same, checked.
---@class aggr.Decoding
---@field flags integer
---@field depth integer
---@field any_integer boolean  integers may be larger than any double
---@field max_size integer?

local PLAIN = { flags = 0, depth = DEPTH, any_integer = true }

--- Whether `source` is JSON, and its value; or what is wrong, at which byte (from 0), and the keys down to it.
--- A text of over 256 KiB is decoded in slices: a checkpoint, so it may raise a cancellation.
---@param source string|aggr.Response|userdata a picker or a stream, too
---@param how aggr.Decoding
---@return boolean ok, any value, integer? offset, any[]? keys
function json.read(source, how)
  local ok, value, offset, keys = decode(source, how.flags, how.depth)
  if ok == nil then return json.in_slices(step, value, core.SLICE) end
  return ok, value, offset, keys
end

---@param largest integer bytes
---@return string
function json.too_long(largest)
  return ("longer than %d bytes (max_size)"):format(largest)
end

--- What is wrong when the text is longer than asked for, and where that is; nil when it is not.
---@param source string|aggr.Response|userdata
---@param how aggr.Decoding
---@return string? what, integer? offset
function json.overlong(source, how)
  local largest = how.max_size
  if not largest or core.size(source) <= largest then return nil end
  return json.too_long(largest), largest
end

--- nil, and what json.read found wrong, in words and as fields of an Error.
---@param source string|aggr.Response
---@return nil, string message, table fields
function json.refusal(source, what, offset, keys)
  return nil, json.complaint(what, keys, offset, core.excerpt(source, offset))
end

--- The value; or nil, what is wrong with the text ("at byte 17 (…): …") and where, as fields of an
--- Error.
---@param source string|aggr.Response
---@param how aggr.Decoding?
---@return any value, string? message, table? fields
function json.parse(source, how)
  how = how or PLAIN
  local longer, last = json.overlong(source, how)
  if longer then return json.refusal(source, longer, last, {}) end
  local ok, value, offset, keys = json.read(source, how)
  if ok then return value end
  return json.refusal(source, value, offset, keys)
end

local function flag(opts, name, what)
  local value = opts[name]
  if value == nil or value == false then return 0 end
  if value ~= true then errors.usage(1, "%s: %s must be true or false, got %s", what, name, errors.show(value)) end
  return core[name:upper()]
end

local DECODE_OPTIONS = options.declare("aggr.json.decode", 2,
  { null = true, depth = true, bigint = true, order = true, strict = true, max_size = true })
options.declare("aggr.json.pick", 3, DECODE_OPTIONS)
options.declare("aggr.json.values", 2, DECODE_OPTIONS)

--- What `opts` (checked here) ask for.
---@param opts aggr.DecodeOptions?
---@param what string
---@return aggr.Decoding
function json.decoding(opts, what)
  if opts == nil then return PLAIN end
  options.check(opts, DECODE_OPTIONS, what)
  local null, depth, bigint = opts.null, opts.depth, opts.bigint
  if null ~= nil and null ~= "nil" then
    errors.usage(1, "%s: null can only be 'nil' (drop nulls), got %s", what, errors.show(null))
  end
  if depth == nil then depth = DEPTH end
  if type(depth) ~= "number" or depth % 1 ~= 0 or depth < 1 or depth > DEEPEST then
    errors.usage(1, "%s: depth must be a whole number from 1 to %d, got %s", what, DEEPEST, errors.show(depth))
  end
  if bigint == nil then bigint = "exact" end
  if not BIGINT[bigint] then
    errors.usage(1, "%s: bigint must be 'exact', 'string' or 'number', got %s", what, errors.show(bigint))
  end
  return {
    flags = (null and core.DROP_NULLS or 0) + BIGINT[bigint] + flag(opts, "order", what) + flag(opts, "strict", what),
    depth = depth,
    any_integer = bigint ~= "number",
    max_size = opts.max_size and size.bytes(opts.max_size, what .. ": max_size") or nil,
  }
end

--- The value of a JSON text. Raises kind `decode` naming the byte.
---@param text string
---@param opts aggr.DecodeOptions?
---@return any
function json.decode(text, opts)
  if type(text) ~= "string" then
    errors.usage(1, "json.decode: expected a string, got %s", errors.show(text))
  end
  local value, message, fields = json.parse(text, json.decoding(opts, "json.decode"))
  if message then errors.raise("decode", "not JSON: " .. message, fields) end
  return value
end

return json
