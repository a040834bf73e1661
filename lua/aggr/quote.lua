--- aggr.quote: a string as JSON writes it.
local utf8 = require "aggr.utf8"

local find, gsub, format = string.find, string.gsub, string.format

local ESCAPE = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n",
  ["\r"] = "\\r", ["\t"] = "\\t" }
for code = 0, 31 do
  local byte = string.char(code)
  ESCAPE[byte] = ESCAPE[byte] or format("\\u%04x", code)
end

--- In quotes, escaped, and with what is not UTF-8 replaced.
---@param text string
---@return string
local function quote(text)
  if find(text, '[%c"\\\128-\255]') then
    text = gsub(text, '[%c"\\]', ESCAPE)
    if find(text, "[\128-\255]") then text = utf8.mend(text) end
  end
  return '"' .. text .. '"'
end

return quote
