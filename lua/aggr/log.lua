--- aggr.log: what a run tells people, on stderr. Text for people, JSON lines for tools.
--
-- log.info("fetched", { items = 3 })  ->  info: fetched items=3
--                                     ->  {"items":3,"level":"info","msg":"fetched","time":"…"}
--
-- Every line passes through mask.text, so secrets don't show. Where `configure` was not called (in
-- tests of the library), lines of level info and above go to stderr as text.
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local mask = require "aggr.mask"
local sys = require "aggr.core.sys"

local log = {}

local RANK = { debug = 1, info = 2, warn = 3, error = 4 }
local COLOUR = { debug = "\27[2m", info = "\27[36m", warn = "\27[33m", error = "\27[31m" }
local RESET = "\27[0m"

local threshold = RANK.info
local as_json, colour, verbose = false, false, false

--- What `configure` was given last.
log.settings = {}

--- How lines are written from now on.
---@param opts { level: string?, format: string?, color: boolean?, verbose: boolean? }
function log.configure(opts)
  log.settings = opts
  threshold = RANK[opts.level or "info"]
  as_json = opts.format == "json"
  colour = opts.color and not as_json or false
  verbose = opts.verbose or false
end

---@return boolean
function log.is_json()
  return as_json
end

--- `text` in the colour of a level, when colours are on.
---@param level "debug"|"info"|"warn"|"error"
---@param text string
function log.paint(level, text)
  if not colour then return text end
  return COLOUR[level] .. text .. RESET
end

--- Text as it stands on stderr: masked, without control characters but tab and line feed.
---@param text string
function log.raw(text)
  sys.stderr((mask.text(text):gsub("[%z\1-\8\11-\26\28-\31\127]", "?")))
end

local function timestamp()
  local now = sys.wall()
  return os.date("!%Y-%m-%dT%H:%M:%S", math.floor(now)) .. (".%03dZ"):format(now % 1 * 1000)
end

--- A field's value as JSON text; what is not data shows as what it is.
local function field_text(value)
  local ok, text = pcall(encoder.print, value)
  return ok and text or encoder.print(errors.show(value))
end

--- One JSON object on a line. `fields` go beside `level`, `msg` and `time`.
---@param level string
---@param msg string
---@param fields table?
function log.object(level, msg, fields)
  local members = {}
  for name, value in pairs(fields or {}) do
    members[#members + 1] = encoder.print(tostring(name)) .. ":" .. field_text(value)
  end
  table.sort(members)
  local head = { '"level":"' .. level .. '"', '"msg":' .. encoder.print(msg),
    '"time":"' .. timestamp() .. '"' }
  for i, text in ipairs(head) do table.insert(members, i, text) end
  log.raw("{" .. table.concat(members, ",") .. "}\n")
end

local function bare(value)
  if type(value) == "string" and value:find("^[%w_%-%./:%%@+]+$") then return value end
  return field_text(value)
end

local function text_line(level, msg, fields)
  local names = {}
  for name in pairs(fields or {}) do names[#names + 1] = tostring(name) end
  table.sort(names)
  local parts = { log.paint(level, level .. ":"), (msg:gsub("\n", "\n  ")) }
  for _, name in ipairs(names) do
    local value = fields[name]
    if value == nil then value = fields[tonumber(name)] end
    parts[#parts + 1] = name .. "=" .. bare(value)
  end
  log.raw(table.concat(parts, " ") .. "\n")
end

local function write(level, msg, fields)
  if RANK[level] < threshold then return end
  if fields ~= nil and type(fields) ~= "table" then
    errors.usage(1, "aggr.log.%s: fields must be a table, got %s", level, errors.show(fields))
  end
  msg = type(msg) == "string" and msg or tostring(msg)
  if as_json then
    log.object(level, msg, fields)
  else
    text_line(level, msg, fields)
  end
end

--- One line, when the level is high enough. `fields` are shown behind the message, by name.
---@param msg string
---@param fields table<string, any>?
function log.debug(msg, fields) write("debug", msg, fields) end

---@param msg string
---@param fields table<string, any>?
function log.info(msg, fields) write("info", msg, fields) end

---@param msg string
---@param fields table<string, any>?
function log.warn(msg, fields) write("warn", msg, fields) end

---@param msg string
---@param fields table<string, any>?
function log.error(msg, fields) write("error", msg, fields) end

--- Lua's print, to stderr.
function log.print(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
  local line = table.concat(parts, "\t")
  if as_json then
    log.object("info", line, { event = "print" })
  else
    log.raw(line .. "\n")
  end
end

--- Whatever the level: the lines that -v asked for.
---@param msg string
---@param fields table?
function log.detail(msg, fields)
  if not verbose then return end
  if as_json then
    log.object("debug", msg, fields)
  else
    text_line("debug", msg, fields)
  end
end

return log
