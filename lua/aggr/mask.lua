--- aggr.mask: what must never be shown. Errors, log lines and reports pass through `mask.text`.
--
-- Owns the values registered for this run (one lua_State); it only ever grows.
local quote = require("aggr.core.json").quote

local mask = {}

local hidden = {} -- pattern-escaped values, longest first
local known = {}

local function add_one(value)
  if known[value] then return end
  known[value] = true
  hidden[#hidden + 1] = value:gsub("%W", "%%%0"):gsub("%%%z", "%%z")
  table.sort(hidden, function(a, b) return #a > #b end)
end

--- The values hidden so far.
mask.values = {}

--- Hide `value` from now on, also in the forms it takes inside a URL and in JSON.
---@param value string
function mask.add(value)
  if value == "" then return end
  if not known[value] then mask.values[#mask.values + 1] = value end
  add_one(value)
  add_one((value:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end)))
  add_one(quote(value):sub(2, -2))
end

--- A URL's userinfo: the name stays, the password goes; a lone name may be a token and goes too.
local function userinfo(before, info)
  local name = info:match("^([^:]*):")
  if name and name ~= "" then return before .. name .. ":***@" end
  return before .. "***@"
end

--- `text` with every registered value and every password in a URL replaced by `***`.
---@param text string
---@return string
function mask.text(text)
  for i = 1, #hidden do text = text:gsub(hidden[i], "***") end
  if text:find("://", 1, true) and text:find("@", 1, true) then
    text = text:gsub('(://)([^/%?#%s"]*)@', userinfo)
  end
  return text
end

--- `text` masked, then cut to `most` bytes: a part of a secret would not be known as one.
---@param text string
---@param most integer
---@return string
function mask.short(text, most)
  text = mask.text(text)
  if #text <= most then return text end
  return (text:sub(1, most - 3):gsub("[\192-\255][\128-\191]*$", "")) .. "..."
end

return mask
