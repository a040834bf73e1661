--- check.main: `aggr check`, from options to exit code. Reads scripts, runs none.
--
-- `opts` are the options by name with '_' for '-', and args, the scripts.
local analyse = require "check.analyse"
local chunk = require "prelude.script"
local file = require "check.file"
local log = require "aggr.log"
local output = require "prelude.output"
local render = require "prelude.render"
local report = require "check.report"

local scripts_globals = script -- luacheck: ignore (the scripts' _G)

local FOUND, UNREADABLE, NOT_WRITTEN = 1, 2, 8

local LARGEST = 2 ^ 20 -- bytes: the tree takes some 150 for each

local function read(path)
  return (chunk.text({ script = path }, LARGEST))
end

--- The files that can be read; says which can't.
local function read_all(names)
  local files, all_read = {}, true
  for _, name in ipairs(names) do
    local text, message = chunk.text({ script = name }, LARGEST)
    local shown = chunk.name { script = name }
    if text then
      files[#files + 1] = file.new(name, text)
      files[#files].name = shown
    else
      all_read = false
      render.complaint(("cannot check %s: %s"):format(shown, message))
    end
  end
  return files, all_read
end

local function known_globals()
  local known = { arg = true }
  for name in pairs(scripts_globals) do known[name] = true end
  return known
end

local function has_findings(files)
  for _, checked in ipairs(files) do
    for _, finding in ipairs(checked.findings) do
      if finding.severity ~= "note" then return true end
    end
  end
  return false
end

---@param opts table
---@return integer exit code
local function main(opts)
  log.configure { color = render.wants_colour(opts.color, 1) }
  local files, all_read = read_all(opts.args)
  analyse.files(files, known_globals(), read)
  local failure = output.write(report.text(files, opts.format or "text"))
  if failure and failure ~= "closed" then
    render.complaint("cannot write to stdout: " .. failure)
    return NOT_WRITTEN
  end
  if not all_read then return UNREADABLE end
  return has_findings(files) and FOUND or 0
end

return main
