--- aggr.file: files and stdin, read and written beside the loop.
--
-- aggr.read(path), aggr.write(path, data), aggr.lines(path). "-" is stdin.
local began = require "aggr.began"
local core = require "aggr.core.file"
local errors = require "aggr.errors"
local options = require "aggr.options"
local size = require "aggr.size"
local task = require "aggr.core.task"
local values = require "aggr.values"

local file = {}

local LARGEST_FILE = 2 ^ 30
local LARGEST_LINE = 2 ^ 20

local function check_path(path, what)
  if type(path) ~= "string" or path == "" or path:find("%z") then
    errors.usage(1, "%s: the path must be a string, got %s", what, errors.show(path))
  end
  began.call = what
end

local function fail(message)
  errors.raise("script", message)
end

--- The whole of a file (1 GiB at most) or of stdin ("-"). Raises kind `script` when it can't be read.
---@param path string
---@return string
function file.read(path)
  check_path(path, "aggr.read")
  core.read(path, LARGEST_FILE)
  local data, message = task.take()
  if not data then fail(message) end
  return data
end

--- Write a file as a whole: it has its old content or the new one, never half of it.
---@param path string
---@param data string
function file.write(path, data)
  check_path(path, "aggr.write")
  if type(data) ~= "string" then
    errors.usage(1, "aggr.write: the data must be a string, got %s (aggr.json.encode makes one)",
      errors.show(data))
  end
  core.write(path, data)
  local ok, message = task.take()
  if not ok then fail(message) end
end

--- The state of one `aggr.lines`.
---@class aggr.Lines
---@field path string
---@field reader userdata?   nil at the end
---@field chunk string       read, from `at` on not handed out yet
---@field at integer
---@field number integer     lines handed out
---@field max integer        bytes
---@field busy boolean       a task waits for the next chunk

local function too_long(lines)
  errors.raise("script", ("%s:%d: the line is over %d bytes (aggr.lines(path, { max_line = … }))"):format(
    lines.path == "-" and "stdin" or lines.path, lines.number + 1, lines.max))
end

--- The next chunk, or nil at the end.
local function next_chunk(lines)
  if not lines.reader then return nil end
  if lines.busy then
    errors.usage(1, "aggr.lines: two tasks read from one iterator (give each its lines with aggr.each)")
  end
  lines.busy = true
  local ok, chunk, message = pcall(function()
    core.next(lines.reader)
    return task.take()
  end)
  lines.busy = false
  if not ok then error(chunk, 0) end
  if chunk then return chunk end
  core.close(lines.reader)
  lines.reader = nil
  if message then fail(message) end
  return nil
end

--- A line that the chunk does not hold to its end: more chunks are joined to it.
local function long_line(lines)
  local parts = { lines.chunk:sub(lines.at) }
  local length = #parts[1]
  lines.chunk, lines.at = "", 1
  while true do
    local chunk = next_chunk(lines)
    if not chunk then break end
    local stop = chunk:find("\n", 1, true)
    parts[#parts + 1] = stop and chunk:sub(1, stop - 1) or chunk
    length = length + #parts[#parts]
    if length > lines.max + 1 then too_long(lines) end
    if stop then
      lines.chunk, lines.at = chunk, stop + 1
      return table.concat(parts)
    end
  end
  if length == 0 then return nil end
  return table.concat(parts)
end

local CR = 13
local find, sub, byte = string.find, string.sub, string.byte

local function next_line(lines)
  task.check()
  local chunk, at = lines.chunk, lines.at
  local stop = find(chunk, "\n", at, true)
  local line
  if stop then
    line = sub(chunk, at, stop - 1)
    lines.at = stop + 1
  else
    line = long_line(lines)
    if not line then return nil end
  end
  if byte(line, -1) == CR then line = sub(line, 1, -2) end
  if #line > lines.max then too_long(lines) end
  lines.number = lines.number + 1
  return line
end

local LINES_OPTIONS = options.declare("aggr.lines", 2, { max_line = true })

--- The lines of a file, or of stdin ("-"), without their LF or CR LF, for `for` and `aggr.each`.
--- The last one needs no line end. Raises kind `script` for a line over `max_line` (1 MiB).
---@param path string
---@param opts { max_line: integer|string? }?
---@return fun(): string?
function file.lines(path, opts)
  check_path(path, "aggr.lines")
  opts = options.check(opts, LINES_OPTIONS, "aggr.lines")
  local max = opts.max_line and size.bytes(opts.max_line, "aggr.lines: max_line") or LARGEST_LINE
  core.open(path)
  local reader, message = task.take()
  if not reader then fail(message) end
  local lines = { path = path, reader = reader, chunk = "", at = 1, number = 0, max = max,
    busy = false }
  return values.by_line(function() return next_line(lines) end)
end

return file
