--- prelude.script: from a path, stdin or -e to a function, and the globals a script starts with.
local core = require "aggr.core.file"
local emit = require "aggr.emit"
local errors = require "aggr.errors"
local guard = require "prelude.guard"
local log = require "aggr.log"
local native = require "prelude.native"
local strict = require "prelude.strict"
local task = require "aggr.core.task"
local work = require "aggr.work"

local globals = script -- luacheck: ignore (the scripts' _G)

local chunk = {}

local LARGEST = 64 * 2 ^ 20
local BYTECODE = "\27"

--- Texts that no file holds, by chunk name.
local texts = {}

--- What a script is called in messages.
---@param opts table
---@return string
function chunk.name(opts)
  if opts.eval then return "-e" end
  return opts.script == "-" and "stdin" or opts.script
end

local function read(opts, most)
  if opts.eval then return opts.eval end
  core.read(opts.script, most or LARGEST)
  local text, message = task.take()
  if text then return text end
  return nil, (message:gsub("^cannot read .-: ", ""))
end

--- A shebang becomes an empty line, so that the others keep their numbers.
local function without_shebang(text)
  if text:sub(1, 3) == "\239\187\191" then text = text:sub(4) end
  if text:sub(1, 1) == "#" then text = "--" .. text end
  return text
end

--- The script's text, or nil and why there is none.
---@param opts table
---@param most integer? bytes
---@return string?, string?
function chunk.text(opts, most)
  local text, message = read(opts, most)
  if not text then return nil, message end
  if text:sub(1, 1) == BYTECODE then return nil, "it is bytecode, not Lua text" end
  return without_shebang(text)
end

--- The script as a function; or nil, an Error and the exit code it means.
---@param opts table
---@return function?, aggr.Error?, integer?
function chunk.load(opts)
  local name = chunk.name(opts)
  local text, message = chunk.text(opts)
  if not text then
    return nil, errors.new("usage", ("cannot run %s: %s"):format(name, message)), 2
  end
  if opts.eval or opts.script == "-" then texts[name] = text end
  local fn, complaint = load(text, "@" .. name, "t")
  if fn then return fn end
  return nil, errors.wrap(complaint), 1
end

--- Line `number` of a script or module, or nil.
---@param name string as in "name:12: …"
---@param number integer
---@return string?
function chunk.line(name, number)
  local text = texts[name]
  if not text then
    local file = io.open(name, "rb")
    local size = file and file:seek("end") -- to read takes as much memory as is asked for
    text = size and file:seek("set") and file:read(math.min(size, LARGEST))
    if file then file:close() end
  end
  local at = 1
  for line in ((text or "") .. "\n"):gmatch("(.-)\r?\n") do
    if at == number then return line end
    at = at + 1
  end
end

local files = getmetatable(io.stdout).__index -- the methods of all files
local write_to_file = files.write

--- Written to stdout, bytes go where results go, in the same order.
local function write(file, ...)
  if file ~= io.stdout then return write_to_file(file, ...) end
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) ~= "string" and type(value) ~= "number" then
      errors.usage(1, "io.write: expected a string or a number, got %s", errors.show(value))
    end
    emit.bytes(tostring(value))
  end
  return file
end

--- What a script finds: print, os.exit, io.write, arg, package.path, what its options open and, under -e, aggr.
---@param opts table
---@param exit fun(code: integer) ends the run; does not return
function chunk.prepare(opts, exit)
  local aggr = require "aggr"
  guard.learn("aggr.", aggr)
  guard.learn("aggr.json.", aggr.json)
  globals.print = log.print
  files.write = write
  globals.io.write = function(...) return write(io.output(), ...) end
  globals.os.exit = function(code)
    if code == nil or code == true then code = 0 end
    if code == false then code = 1 end
    if type(code) ~= "number" or code % 1 ~= 0 or code < 0 or code > 255 then
      errors.usage(1, "os.exit: expected a boolean or a whole number from 0 to 255, got %s", errors.show(code))
    end
    exit(code)
  end
  globals.arg = { [0] = chunk.name(opts) }
  aggr.args = {}
  for i, word in ipairs(opts.args) do
    globals.arg[i], aggr.args[i] = word, word
  end
  local folder = not opts.eval and opts.script ~= "-" and opts.script:match("^(.*)/[^/]*$")
  if folder then
    if folder == "" then folder = "/" end
    globals.package.path = ("%s/?.lua;%s/?/init.lua;%s"):format(folder, folder, globals.package.path)
  end
  if opts.eval then globals.aggr = aggr end
  if opts.allow_ffi then
    native.allow()
    work.allow_ffi = true
  end
  if not opts.no_strict then strict.install(opts.script ~= "-" and opts.script or nil, chunk.name(opts)) end
end

return chunk
