--- prelude.load: load, loadstring, loadfile and dofile whose readers and chunks may wait. Text only, no bytecode.
local core = require "aggr.core.task"
local strict = require "prelude.strict"

local CANCEL = core.CANCEL
local raw_load, raw_loadfile, raw_dofile, raw_pcall = load, loadfile, dofile, pcall

local shim = {}

--- The pieces of a reader joined, or nil and the error.
local function join(reader)
  local pieces = {}
  while true do
    local ok, piece = raw_pcall(reader)
    if not ok then
      if piece == CANCEL then error(CANCEL, 0) end
      return nil, piece
    end
    if piece == nil or piece == "" then return table.concat(pieces) end
    if type(piece) ~= "string" and type(piece) ~= "number" then
      return nil, "reader function must return a string"
    end
    pieces[#pieces + 1] = piece
  end
end

--- The mode that lets text in and bytecode out.
local function text_only(mode)
  if mode == nil or mode == "bt" or mode == "tb" then return "t" end
  return mode == "t" and "t" or "-"
end

local WRONG_MODE = "attempt to load chunk with wrong mode"

--- A chunk, or nil and what is wrong with it, in people's words.
local function loaded(chunk, err)
  if not chunk and type(err) == "string" and err:sub(-#WRONG_MODE) == WRONG_MODE then
    return nil, err:sub(1, -#WRONG_MODE - 1) .. "only Lua text is loaded, not bytecode"
  end
  return strict.loaded(chunk, err)
end

function shim.load(chunk, name, mode, ...)
  if type(chunk) == "function" then
    local text, err = join(chunk)
    if not text then return nil, err end
    chunk, name = text, name or "=(load)"
  end
  return loaded(raw_load(chunk, name, text_only(mode), ...))
end

function shim.loadfile(filename, mode, ...)
  return loaded(raw_loadfile(filename, text_only(mode), ...))
end

function shim.dofile(filename)
  local kind = type(filename)
  if kind ~= "string" and kind ~= "number" and kind ~= "nil" then return raw_dofile(filename) end -- raises
  local chunk, err = loaded(raw_loadfile(filename, "t"))
  if not chunk then error(err, 0) end
  return chunk()
end

function shim.install(script)
  script.load, script.loadstring = shim.load, shim.load
  script.loadfile, script.dofile = shim.loadfile, shim.dofile
end

return shim
