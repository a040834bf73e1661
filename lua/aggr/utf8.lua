--- aggr.utf8: well-formed text out of any bytes.
local utf8 = {}

local REPLACEMENT = "\239\191\189" -- U+FFFD

--- First byte → length, lowest and highest second byte (Unicode 15, table 3-7).
local function shape(byte)
  if byte < 0xC2 then return nil end
  if byte < 0xE0 then return 2, 0x80, 0xBF end
  if byte < 0xF0 then return 3, byte == 0xE0 and 0xA0 or 0x80, byte == 0xED and 0x9F or 0xBF end
  if byte < 0xF5 then return 4, byte == 0xF0 and 0x90 or 0x80, byte == 0xF4 and 0x8F or 0xBF end
end

--- Length of the well-formed sequence at `i`, or nil.
local function sequence(run, i)
  local length, low, high = shape(run:byte(i))
  local second = length and run:byte(i + 1)
  if not second or second < low or second > high then return nil end
  for k = 2, length - 1 do
    local byte = run:byte(i + k)
    if not byte or byte > 0xBF then return nil end
  end
  return length
end

--- A run of bytes from 128 up: nil (leave it) when well-formed, else with the bad bytes replaced.
local function mend(run)
  local out, i, from = nil, 1, 1
  while i <= #run do
    local length = sequence(run, i)
    if not length then
      out = out or {}
      out[#out + 1] = run:sub(from, i - 1)
      out[#out + 1] = REPLACEMENT
      from = i + 1
    end
    i = i + (length or 1)
  end
  if not out then return nil end
  out[#out + 1] = run:sub(from)
  return table.concat(out)
end

--- `text` with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
---@param text string
---@return string
function utf8.mend(text)
  return (text:gsub("[\128-\255]+", mend))
end

return utf8
