--- prelude.render: how failures look on stderr.
--
--   pipeline.lua:14: timeout: GET http://127.0.0.1:9000/x no byte for 2.0 s (wait)
--     14 | local user = api:get("/users/42")
--        |                  ^
--     spawned at pipeline.lua:9
--     2 more errors were suppressed, the first: …
--     hint: …
--
-- The first line stands alone. With --log-format json each failure is one object.
local chunk = require "prelude.script"
local errors = require "aggr.errors"
local log = require "aggr.log"
local output = require "prelude.output"
local sys = require "aggr.core.sys"

local render = {}

local MOST_SOURCES = 20
local WIDEST = 160

--- Does --color, or what stands behind descriptor `fd`, want colours?
---@param choice "auto"|"always"|"never"|nil
---@param fd integer
---@return boolean
function render.wants_colour(choice, fd)
  if choice == "always" then return true end
  if choice == "never" then return false end
  return not sys.env("NO_COLOR") and sys.isatty(fd) and sys.env("TERM") ~= "dumb"
end

--- Where the caret goes: under the call's name (LuaJIT knows no columns), the first name that the
--- message quotes, or the first character that is not blank.
local function caret_column(line, err)
  local called = rawget(err, "called")
  local names = { called }
  for name in tostring(err.message):gmatch("'([%a_][%w_]*)'") do names[#names + 1] = name end
  if err.kind == "script" and rawget(err, "value") ~= nil then names[#names + 1] = "error" end
  for _, name in ipairs(names) do
    local at = line:find("%f[%w_]" .. name .. "%f[^%w_]")
    if at then return at end
  end
  local near = tostring(err.message):match("near '(.+)'$")
  local at = near and near ~= "<eof>" and line:find(near, 1, true) or line:find("%S")
  return at or 1
end

--- Characters in front of byte `column`.
local function characters(line, column)
  local _, continuation = line:sub(1, column - 1):gsub("[\128-\191]", "")
  return column - 1 - continuation
end

--- Line `number` of a source with a caret under byte `column`.
---@param number integer|string
---@param line string
---@param column integer
---@return string
function render.excerpt(number, line, column)
  line = line:gsub("\t", " ")
  if #line > WIDEST then
    local from = math.max(1, column - WIDEST / 2)
    line, column = line:sub(from, from + WIDEST), column - from + 1
  end
  local blank = (" "):rep(#tostring(number))
  return ("  %s | %s\n  %s | %s%s\n"):format(number, line, blank, (" "):rep(characters(line, column)),
    log.paint("error", "^"))
end

local function source_lines(err)
  local place = rawget(err, "where") or rawget(err, "spawned")
  local name, number = tostring(place):match("^(.*):(%d+)$")
  local line = name and chunk.line(name, tonumber(number))
  if not line or not line:find("%S") then return "" end
  return render.excerpt(number, line, caret_column(line, err))
end

local function suppressed_line(err)
  local list = rawget(err, "suppressed")
  if not list or #list == 0 then return "" end
  return ("  %d more error%s suppressed, the first: %s\n"):format(#list,
    #list == 1 and " was" or "s were", tostring(list[1]))
end

--- A way out: the Error's own, or for what beginners meet first.
local function hint_of(err)
  if tostring(err.message):find("global 'aggr' (a nil value)", 1, true) then
    return 'scripts begin with: local aggr = require "aggr"'
  end
  return rawget(err, "hint")
end

local function with_colour(err)
  local text, kind = tostring(err), tostring(err.kind) .. ":"
  local from, to = text:find(kind, 1, true)
  if not from then return text end
  return text:sub(1, from - 1) .. log.paint("error", kind) .. text:sub(to + 1)
end

--- An Error that nobody caught.
---@param err aggr.Error
---@param verbose boolean? with the traceback
function render.error(err, verbose)
  if log.is_json() then return log.object("error", tostring(err), { event = "error", error = err }) end
  local parts = { with_colour(err), "\n", source_lines(err) }
  local spawned = rawget(err, "spawned")
  if spawned and rawget(err, "where") then parts[#parts + 1] = "  spawned at " .. spawned .. "\n" end
  parts[#parts + 1] = suppressed_line(err)
  local hint = hint_of(err)
  if hint then parts[#parts + 1] = "  hint: " .. hint .. "\n" end
  local traceback = verbose and rawget(err, "traceback")
  if traceback then parts[#parts + 1] = traceback .. "\n" end
  log.raw(table.concat(parts))
end

--- A line of the command line itself, as "aggr: …".
---@param message string
---@param fields table?
function render.complaint(message, fields)
  if log.is_json() then return log.object("error", message, fields) end
  log.raw("aggr: " .. message .. "\n")
end

local function source_line(lost)
  local key = type(lost.key) == "number" and ("[%d]"):format(lost.key) or tostring(lost.key or "?")
  local err = lost.error
  if log.is_json() then
    return log.object("warn", key .. ": " .. lost.state,
      { event = "source", source = lost.key, state = lost.state, error = err })
  end
  local text = err and tostring(err) or "part of it is missing"
  local said = lost.state == "error" or errors.is(err) and err.kind == lost.state
  local state = said and "" or lost.state .. ": "
  log.raw(("%s %s%s\n"):format(log.paint("warn", key .. ":"), state, text))
end

--- "2 timeout, 1 status"
local function kinds(by_kind)
  local names, parts = {}, {}
  for kind in pairs(by_kind) do names[#names + 1] = kind end
  table.sort(names, function(a, b)
    if by_kind[a] ~= by_kind[b] then return by_kind[a] > by_kind[b] end
    return a < b
  end)
  for i, kind in ipairs(names) do parts[i] = by_kind[kind] .. " " .. kind end
  return table.concat(parts, ", ")
end

local function count_kinds(rep, failures)
  if rep.by_kind then return rep.by_kind end
  local by_kind = {}
  for _, lost in ipairs(failures) do
    local kind = errors.is(lost.error) and lost.error.kind or lost.state
    by_kind[kind] = (by_kind[kind] or 0) + 1
  end
  return by_kind
end

--- What a report lost: a line per source, 20 at most, then a count per kind.
---@param rep aggr.Report
function render.summary(rep)
  if rep.complete then return end
  local failures = output.failures(rep)
  for i = 1, math.min(#failures, MOST_SOURCES) do source_line(failures[i]) end
  local shown = math.min(#failures, MOST_SOURCES)
  if rep.failed <= shown then return end
  local by_kind = count_kinds(rep, failures)
  local message = ("%d of %d failed: %s"):format(rep.failed, rep.total, kinds(by_kind))
  if log.is_json() then
    return log.object("warn", message, { event = "summary", failed = rep.failed, total = rep.total,
      by_kind = by_kind })
  end
  log.raw(("… and %d more; %s\n"):format(rep.failed - shown, message))
end

return render
