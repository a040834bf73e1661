--- aggr.json: JSON text from values and back.
--
-- Encoding is aggr.encoder; decoding is lua-cjson's behind errors that name the byte.
local cjson = require "cjson"
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local options = require "aggr.options"

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

local ENCODE_OPTIONS = options.declare("aggr.json.encode", 2, { pretty = true })

--- `value` as JSON text: keys sorted, no white space unless `pretty`.
---@param value any aggr.null for JSON's null
---@param opts { pretty: boolean? }?
---@return string
function json.encode(value, opts)
  if opts ~= nil then options.check(opts, ENCODE_OPTIONS, "json.encode") end
  if value == nil then
    errors.usage(1, "json.encode: nothing to encode (aggr.null for JSON's null)")
  end
  return encoder.encode(value, opts and opts.pretty or false)
end

local DEEPEST = 1000
local decoder = cjson.new()
decoder.decode_invalid_numbers(false)
decoder.decode_max_depth(DEEPEST)
local decode_text = decoder.decode
local DECODE_OPTIONS = options.declare("aggr.json.decode", 2, { null = true })

--- Take the nulls out: an object loses the key, a list the element (the others move up).
local function drop_nulls(value)
  if value == json.null then return nil end
  if type(value) ~= "table" then return value end
  local n = #value
  if n > 0 then
    local kept = 0
    for i = 1, n do
      local item = drop_nulls(value[i])
      value[i] = nil
      if item ~= nil then
        kept = kept + 1
        value[kept] = item
      end
    end
    return value
  end
  for key, item in next, value do value[key] = drop_nulls(item) end
  return value
end

--- lua-cjson's complaint as "at byte 17: expected value but found the end".
local function complaint(text, raised)
  if text == "" then return "the text is empty" end
  local what, byte = tostring(raised):match("^(.-) at character (%d+)$")
  if not byte then return (tostring(raised):gsub("^.-:%d+: ", "")) end
  what = what:gsub("T_END", "the end"):gsub("T_[%u_]+", function(token)
    return token:sub(3):lower():gsub("_", " ")
  end)
  return ("at byte %d: %s"):format(byte, what:sub(1, 1):lower() .. what:sub(2))
end

--- The value, or nil and what is wrong with `text` ("at byte 17: …").
---@param text string
---@param drop boolean? without nulls
---@return any value, string? message
function json.parse(text, drop)
  local ok, value = pcall(decode_text, text)
  if not ok then return nil, complaint(text, value) end
  if drop then return drop_nulls(value) end
  return value
end

--- Whether `opts` (checked here) ask for nulls to be dropped.
---@param opts { null: "nil"? }?
---@param what string
---@return boolean
function json.drops_nulls(opts, what)
  if opts == nil then return false end
  options.check(opts, DECODE_OPTIONS, what)
  if opts.null ~= nil and opts.null ~= "nil" then
    errors.usage(1, "%s: null can only be 'nil' (drop nulls), got %s", what, errors.show(opts.null))
  end
  return opts.null == "nil"
end

--- The value of a JSON text. Raises kind `decode` naming the byte.
---@param text string
---@param opts { null: "nil"? }? "nil" drops nulls; otherwise they are aggr.null
---@return any
function json.decode(text, opts)
  if type(text) ~= "string" then
    errors.usage(1, "json.decode: expected a string, got %s", errors.show(text))
  end
  local drop = json.drops_nulls(opts, "json.decode")
  local value, message = json.parse(text, drop)
  if message then errors.raise("decode", "not JSON: " .. message) end
  return value
end

return json
