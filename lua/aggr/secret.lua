--- aggr.secret: a value from outside that must not be shown.
local errors = require "aggr.errors"
local mask = require "aggr.mask"
local sys = require "aggr.core.sys"

local secret = {}

local PLACEHOLDER = "placeholder"
local listing = false

--- Secrets need not be there while the settings are only listed.
function secret.list_only()
  listing = true
end

local function from_file(name, path)
  local file, message = io.open(path, "rb")
  local text = file and file:read(1024 * 1024)
  if file then file:close() end
  if not text then
    errors.usage(1, "aggr.secret: %s_FILE can't be read: %s", name,
      message or path .. ": it is empty or a folder")
  end
  return (text:gsub("[\r\n]+$", ""))
end

--- The value of environment variable NAME, or the text of the file that NAME_FILE names. A plain
--- string, shown as *** in errors, logs and reports.
---@param name string
---@return string
function secret.get(name)
  if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then
    errors.usage(1, "aggr.secret: expected the name of an environment variable, got %s",
      errors.show(name))
  end
  local value = sys.env(name)
  local path = sys.env(name .. "_FILE")
  if not value and path then value = from_file(name, path) end
  if not value and listing then return PLACEHOLDER end
  if not value then
    errors.usage(1, "aggr.secret: %s is not set (set it, or %s_FILE to a file's path)", name, name)
  end
  if value == "" then errors.usage(1, "aggr.secret: %s is empty", name) end
  mask.add(value)
  return value
end

return secret
