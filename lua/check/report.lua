--- check.report: findings as text for people, as lines for editors, as JSON for tools.
local encoder = require "aggr.encoder"
local json = require "aggr.json"
local log = require "aggr.log"
local render = require "prelude.render"

local report = {}

local LONGEST = 300 -- bytes of a message: what a script says may be long

--- What scripts hold must not steer a terminal.
local function plain(text)
  return (text:gsub("%c", function(control) return control == "\t" and " " or "?" end))
end

local function clipped(text)
  text = plain(text)
  return #text > LONGEST and text:sub(1, LONGEST) .. "…" or text
end

local LEVEL = { error = "error", warning = "warn", note = "info" }

local function line_of(file, finding, paint)
  return ("%s:%d:%d: %s %s"):format(plain(file.name), finding.line, finding.column,
    paint and log.paint(LEVEL[finding.severity], finding.code .. ":") or finding.code .. ":",
    clipped(finding.message))
end

local function counted(n, what)
  return ("%d %s%s"):format(n, what, n == 1 and "" or "s")
end

local function summary(files)
  local findings, concerned = 0, 0
  for _, file in ipairs(files) do
    findings = findings + #file.findings
    if #file.findings > 0 then concerned = concerned + 1 end
  end
  if findings == 0 then return counted(#files, "script") .. ", nothing found\n" end
  return ("%s in %d of %s\n"):format(counted(findings, "finding"), concerned, counted(#files, "script"))
end

local FORMATS = {}

function FORMATS.text(files)
  local parts = {}
  for _, file in ipairs(files) do
    for _, finding in ipairs(file.findings) do
      parts[#parts + 1] = line_of(file, finding, true) .. "\n"
      local line = plain(file:line(finding.line))
      if line:find("%S") then parts[#parts + 1] = render.excerpt(finding.line, line, finding.column) end
      if finding.hint then parts[#parts + 1] = "  hint: " .. finding.hint .. "\n" end
    end
  end
  parts[#parts + 1] = summary(files)
  return table.concat(parts)
end

function FORMATS.short(files)
  local parts = {}
  for _, file in ipairs(files) do
    for _, finding in ipairs(file.findings) do parts[#parts + 1] = line_of(file, finding) .. "\n" end
  end
  return table.concat(parts)
end

function FORMATS.json(files)
  local list = json.array {}
  for _, file in ipairs(files) do
    for _, finding in ipairs(file.findings) do
      list[#list + 1] = { file = file.name, line = finding.line, column = finding.column, code = finding.code,
        severity = finding.severity, message = clipped(finding.message), hint = finding.hint }
    end
  end
  return encoder.print(list) .. "\n"
end

--- What is printed.
---@param files aggr.CheckFile[]
---@param format "text"|"short"|"json"
---@return string
function report.text(files, format)
  return FORMATS[format](files)
end

return report
