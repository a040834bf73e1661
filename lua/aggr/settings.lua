--- aggr.settings: the knobs of a script, for people who run it but don't edit it.
--
-- The command line calls `configure` before the script runs. What is wrong with the values people
-- gave raises an Error with `exit_code` 2. With `list_only`, the script's call raises an Error with
-- `exit_code` 0 whose `listing` has an entry { name, type, default, required, text } per setting.
local began = require "aggr.began"
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local json = require "aggr.json"
local options = require "aggr.options"
local secret = require "aggr.secret"
local sys = require "aggr.core.sys"

local settings = {}

--- Stands for "no default".
settings.required = setmetatable({}, { __name = "aggr.required" })

---@class aggr.Setting
---@field name string
---@field type "string"|"number"|"boolean"
---@field default string|number|boolean|nil
---@field required boolean
---@field text string?

local given = { set = {} }
local done = false

---@param opts { set: table<string, string>?, file: string?, list_only: boolean? }
function settings.configure(opts)
  given = { set = opts.set or {}, file = opts.file, list_only = opts.list_only }
  if opts.list_only then secret.list_only() end
end

local function sorted_names(values)
  local names = {}
  for name in pairs(values) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- What is wrong when the script ended: values were given, but it has no settings.
---@return string?
function settings.unused()
  if done then return nil end
  local name = sorted_names(given.set)[1]
  if name then return ("--set %s: the script has no settings"):format(name) end
  return given.file and "--settings: the script has no settings" or nil
end

--- Raise what the person at the command line has to mend.
local function refuse(fmt, ...)
  errors.raise("usage", fmt:format(...), { exit_code = 2 })
end

local TYPES = { string = true, number = true, boolean = true }

local function declared(name, spec)
  if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then
    errors.usage(1, "aggr.settings: %s is not a name for a setting", errors.show(name))
  end
  if not options.is_table(spec) then spec = { spec } end
  local default, text = spec[1], spec[2]
  local required = rawequal(default, settings.required)
  if not required and not TYPES[type(default)] then
    errors.usage(1, "aggr.settings: %s needs a default (string, number, boolean) or aggr.required, "
      .. "got %s", name, errors.show(default))
  end
  if text ~= nil and type(text) ~= "string" then
    errors.usage(1, "aggr.settings: what %s is for must be a string, got %s", name,
      errors.show(text))
  end
  local setting = { name = name, type = "string", required = required, text = text }
  if not required then setting.type, setting.default = type(default), default end
  return setting
end

local function declared_all(each, specs)
  local list = {}
  for name, spec in each(specs) do list[#list + 1] = declared(name, spec) end
  return list
end

---@return aggr.Setting[] sorted by name
local function declare(specs)
  if not options.is_table(specs) then
    errors.usage(1, "aggr.settings: expected a table of settings, got %s", errors.show(specs))
  end
  local list = options.each(declared_all, specs)
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local BOOLEAN = { ["true"] = true, yes = true, ["1"] = true, on = true,
  ["false"] = false, no = false, ["0"] = false, off = false }

--- Text from the command line or the environment as the setting's type.
local function from_text(setting, text, where)
  if setting.type == "number" then
    local value = text:find("^%s*[+-]?[%d.]+[eE]?[+-]?%d*%s*$") and tonumber(text)
    if not value or math.abs(value) == math.huge then
      refuse("%s: %s must be a number, got %s", where, setting.name, errors.show(text))
    end
    return value
  end
  if setting.type == "boolean" then
    local value = BOOLEAN[text:lower()]
    if value == nil then
      refuse("%s: %s must be true or false, got %s", where, setting.name, errors.show(text))
    end
    return value
  end
  return text
end

local function from_file(setting, value)
  if type(value) == setting.type then return value end
  refuse("--settings: %s must be a %s, got %s", setting.name, setting.type, errors.show(value))
end

local function read_file(path)
  local file, message = io.open(path, "rb")
  local text = file and file:read("*a")
  if file then file:close() end
  if not text then refuse("--settings: %s", message or path .. ": it is not a file") end
  local values, complaint = json.parse(text)
  if complaint then refuse("--settings: %s is not JSON: %s", path, complaint) end
  if type(values) ~= "table" or #values > 0 then
    refuse("--settings: %s must hold a JSON object", path)
  end
  return values
end

local function check_names(values, known, where)
  for _, name in ipairs(sorted_names(values)) do
    if not known[name] then
      refuse("%s: the script has no setting '%s'%s", where, name, options.hint(name, known))
    end
  end
end

--- --set, then AGGR_SET_<NAME>, then the file, then the default.
local function value_of(setting, file)
  local name = setting.name
  local text = given.set[name]
  if text ~= nil then return from_text(setting, text, "--set") end
  local variable = "AGGR_SET_" .. name:upper()
  text = sys.env(variable)
  if text then return from_text(setting, text, variable) end
  if file[name] ~= nil and file[name] ~= json.null then return from_file(setting, file[name]) end
  if setting.required then
    refuse("the setting '%s' is required%s: --set %s=…, %s, or --settings FILE", name,
      setting.text and " (" .. setting.text .. ")" or "", name, variable)
  end
  return setting.default
end

--- Settings for `aggr run --help`: one line each.
---@param list aggr.Setting[]
---@return string
function settings.describe(list)
  local lines = {}
  for _, setting in ipairs(list) do
    local default = setting.required and "required" or encoder.print(setting.default)
    lines[#lines + 1] = ("  --set %-20s %-9s %s%s"):format(setting.name .. "=…", setting.type,
      setting.text and setting.text .. " " or "", "[" .. default .. "]")
  end
  return table.concat(lines, "\n")
end

--- Declare the settings and get their values. Once, before any I/O.
---@param specs table<string, any[]> name = { default or aggr.required, "what it is for" }
---@return table<string, string|number|boolean>
function settings.declare(specs)
  local list = declare(specs)
  if done then errors.usage(1, "aggr.settings: it can be called only once") end
  if began.call then
    errors.usage(1, "aggr.settings: it must come before any input and output (here %s came first)", began.call)
  end
  done = true
  if given.list_only then
    errors.raise("usage", "only the settings are listed", { exit_code = 0, listing = list })
  end
  local known = {}
  for _, setting in ipairs(list) do known[setting.name] = setting end
  local file = given.file and read_file(given.file) or {}
  check_names(given.set, known, "--set")
  check_names(file, known, "--settings")
  local values = {}
  for _, setting in ipairs(list) do values[setting.name] = value_of(setting, file) end
  return setmetatable(values, {
    __index = function(_, name)
      errors.usage(1, "there is no setting %s%s", errors.show(name), options.hint(name, known))
    end,
  })
end

return settings
