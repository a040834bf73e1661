--- check.syntax: Lua text as a function that is never called and as a tree.
--
-- LuaJIT decides what is Lua: it bounds how deep code may nest, too. The tree comes from luacheck's parser,
-- whose lexer learns here what LuaJIT takes beyond it: `goto` as a name, 0b101, names with bytes over 127.
local lexer = require "luacheck.lexer"
local parser = require "luacheck.parser"

local syntax = {}

--- The text as the parser reads it: by bytes, so that columns are bytes.
local Source = {}
Source.__index = Source

function Source:get_codepoint(index) return self.bytes:byte(index) end
function Source:get_substring(from, to) return self.bytes:sub(from, to) end
function Source:get_printable_substring(from, to) return self.bytes:sub(from, to) end
function Source:get_length() return #self.bytes end
function Source:find(pattern, from) return self.bytes:find(pattern, from) end

local next_token = lexer.next_token

--- LuaJIT takes `goto` for a name unless a name follows.
local function goes_somewhere(state)
  local line, offset = state.line, state.offset
  local token = next_token(state)
  state.line, state.offset = line, offset
  return token == "name"
end

local NAME_BYTES, BINARY = "^[%w_\128-\255]+", "^[bB][01]+[uUlLiI]*"

--- Does a name that luacheck does not know to be one end, or go on, at state.offset?
local function is_wide_name(token, bytes, offset)
  if token == "number" or token == "short_comment" then return false end
  return bytes:find("^[\128-\255]", offset - 1) ~= nil or bytes:find("^[%w_][\128-\255]", offset - 1) ~= nil
end

function lexer.next_token(state)
  local token, value, line, offset, error_end = next_token(state)
  local bytes = state.src.bytes
  if token == "goto" and not goes_somewhere(state) then
    token, value = "name", "goto"
  elseif token == "number" and value == "0" then
    local _, last = bytes:find(BINARY, state.offset)
    if last then
      state.offset = last + 1
      value = bytes:sub(offset, last)
    end
  elseif token and is_wide_name(token, bytes, state.offset) then
    local _, last = bytes:find(NAME_BYTES, offset)
    if last and last >= state.offset - 1 then
      state.offset = last + 1
      token, value = "name", bytes:sub(offset, last)
    end
  end
  return token, value, line, offset, error_end
end

--- The function, or nil, the line and what is wrong there.
---@param text string
---@return function?, integer? line, string? message
function syntax.compile(text)
  local fn, complaint = load(text, "=check", "t")
  if fn then return fn end
  local line, message = tostring(complaint):match("^check:(%d+): (.*)$")
  return nil, tonumber(line) or 1, message or tostring(complaint)
end

--- The tree of a text that compiles, its comments and where its lines begin; nil where the parser differs
--- from LuaJIT.
---@param text string
---@return table? body, table? comments, integer[]? line_offsets
function syntax.parse(text)
  local ok, body, comments, _, _, _, line_offsets = pcall(parser.parse, setmetatable({ bytes = text }, Source))
  if not ok then return nil end
  return body, comments, line_offsets
end

return syntax
