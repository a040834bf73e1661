--- aggr.pick: a few values out of a large JSON text, without making the rest of it.
--
-- All of the text is checked as decoding would check it; only then what was asked for is decoded, where it stands.
local core = require "aggr.core.pick"
local errors = require "aggr.errors"
local json = require "aggr.json"
local pointer = require "aggr.pointer"

local pick = {}

--- The values by their names. Or nil and what json.read found wrong, as options may ask for more than JSON does.
local function values_of(picker, wanted, how)
  local found = {}
  for i, names in ipairs(wanted.names) do
    if names[1] ~= nil and core.select(picker, i) then
      local ok, value = json.read(picker, how)
      if not ok then return nil end
      for _, name in ipairs(names) do found[name] = value end
    end
  end
  return found
end

--- The value that was asked for, or the table of them. Or nil, what is wrong with the text, and where, as
--- json.parse has it. A checkpoint when the text is over 256 KiB.
---@param source string|aggr.Response
---@param wanted aggr.Wanted
---@param how aggr.Decoding
---@return any value, string? message, table? fields
function pick.parse(source, wanted, how)
  local longer, last = json.overlong(source, how)
  if longer then return json.refusal(source, longer, last, {}) end
  local picker = core.picker(source, wanted.keys, wanted.counts, how.depth, how.any_integer)
  local ok, what, offset, keys = json.in_slices(core.step, picker, core.SLICE)
  if not ok then return json.refusal(source, what, offset, keys) end
  local found = values_of(picker, wanted, how)
  if not found then return json.parse(source, how) end
  if wanted.single then return found[1] end
  return found
end

--- What JSON Pointers (RFC 6901) lead to in a JSON text: for one of them its value, for a table of them a table
--- with the same keys, where what is not there is nil. Raises kind `decode` for whatever decoding the text
--- would raise it for.
---@param text string
---@param pointers string|table<any, string> "/orders/0/id", or { "/id", name = "/owner/name" }
---@param opts aggr.DecodeOptions?
---@return any
function pick.pick(text, pointers, opts)
  if type(text) ~= "string" then
    errors.usage(1, "json.pick: expected a string, got %s", errors.show(text))
  end
  local wanted, how = pointer.wanted(pointers, "json.pick"), json.decoding(opts, "json.pick")
  local value, message, fields = pick.parse(text, wanted, how)
  if message then errors.raise("decode", "not JSON: " .. message, fields) end
  return value
end

return pick
