--- check.file: one file that is checked, and what is found in it.
local modules = require "check.modules"
local syntax = require "check.syntax"
local tree = require "check.tree"
local globals = require "check.globals"

---@class aggr.Finding
---@field code string      stable: what people allow, and what tools go by
---@field line integer
---@field column integer   in bytes, from 1
---@field severity "error"|"warning"|"note"
---@field message string
---@field hint string?

---@class aggr.CheckFile
---@field name string            as it was given
---@field text string
---@field findings aggr.Finding[]
---@field accesses table[]       of globals, see check.globals
---@field tree aggr.CheckTree?   nil when the text is not Lua, or can't be looked at
---@field folders string[]       where its modules are looked for
---@field is_module boolean?     another checked file requires it
local File = {}
File.__index = File

local MOST = 200 -- findings

local SEVERITY = { syntax = "error", ["undefined-global"] = "error", ["unknown-option"] = "error", unchecked = "note" }

function File:is_full()
  return #self.findings >= MOST
end

--- Note a finding, once in a place.
function File:add(code, line, column, message, hint)
  local key = ("%s:%d:%d"):format(code, line, column)
  local allowed = self.allowed[line]
  if self.said[key] or self:is_full() or allowed and allowed[code] then return end
  self.said[key] = true
  self.findings[#self.findings + 1] = { code = code, line = line, column = column,
    severity = SEVERITY[code] or "warning", message = message, hint = hint }
end

local function by_place(a, b)
  if a.line ~= b.line then return a.line < b.line end
  if a.column ~= b.column then return a.column < b.column end
  return a.code < b.code
end

--- Put the findings in order, and say when there may be more.
function File:finish()
  table.sort(self.findings, by_place)
  if not self:is_full() then return end
  local last = self.findings[MOST]
  self.findings[MOST + 1] = { code = "unchecked", line = last.line, column = last.column, severity = "note",
    message = ("no more than %d findings are listed"):format(MOST) }
end

--- The column of a node, in bytes from 1.
function File:column(node)
  return node.offset - self.line_offsets[node.line] + 1
end

local function offsets_of(text)
  local offsets, at = { 1 }, 1
  while true do
    local from, to = text:find("[\r\n]", at)
    if not from then return offsets end
    local both = text:sub(from, from + 1)
    if both == "\r\n" or both == "\n\r" then to = to + 1 end
    at = to + 1
    offsets[#offsets + 1] = at
  end
end

--- A line without its end; "" for one that is not there.
function File:line(number)
  local from = self.line_offsets[number]
  return from and self.text:match("^[^\r\n]*", from) or ""
end

--- The file that require(name) means, when it lies beside this one.
function File:module(name)
  return modules.find(name, self.folders)
end

--- `-- aggr: allow blocking-call, no-deadline` by line.
local function read_allowed(comments)
  local allowed = {}
  for _, comment in ipairs(comments or {}) do
    local codes = comment.contents:match("^%s*aggr:%s*allow%s+(.+)$")
    if codes then
      allowed[comment.line] = allowed[comment.line] or {}
      for code in codes:gmatch("[%w-]+") do allowed[comment.line][code] = true end
    end
  end
  return allowed
end

--- Where LuaJIT saw what it says is wrong.
local function complain(self, line, message)
  local near = message:match("near '(.+)'$")
  local text = self:line(line)
  local column = near and near ~= "<eof>" and text:find(near, 1, true) or text:find("%S") or 1
  self:add("syntax", line, column, message)
end

local UNREAD = "the file could not be looked at as a whole: only its globals were checked"

local file = {}

---@param name string
---@param text string
---@return aggr.CheckFile
function file.new(name, text)
  local self = setmetatable({ name = name, text = text, findings = {}, said = {}, allowed = {}, accesses = {},
    folders = { modules.folder(name) } }, File)
  self.line_offsets = offsets_of(text)
  local fn, line, message = syntax.compile(text)
  if not fn then
    complain(self, line, message)
    return self
  end
  self.accesses = globals.accesses(fn)
  local body, comments = syntax.parse(text)
  self.allowed = read_allowed(comments)
  self.tree = body and tree.build(body)
  if not self.tree then self:add("unchecked", 1, 1, UNREAD) end
  return self
end

return file
