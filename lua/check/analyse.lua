--- check.analyse: everything that is looked for in a set of files.
local modules = require "check.modules"
local file_of = require "check.file"
local globals = require "check.globals"

-- By the shape of the code; globals come from the bytecode and are looked at in any case.
local CHECKS = {
  require "check.options", require "check.blocking", require "check.spawn", require "check.deadline",
  require "check.budget",
}

local analyse = {}

local MOST_MODULES = 200 -- read for the globals that they define

--- Reads the modules beside a script that were not given to be checked; what they define, scripts have.
local function read_modules(files, read)
  local queue, seen, others = {}, {}, {}
  for _, file in ipairs(files) do
    seen[modules.plain(file.name)] = file
    queue[#queue + 1] = file
  end
  local at = 1
  while queue[at] do
    local file = queue[at]
    for _, name in ipairs(file.tree and modules.required(file.tree) or {}) do
      local path = file:module(name)
      local known = path and seen[modules.plain(path)]
      if known then
        known.is_module = true
      elseif path and #others < MOST_MODULES then
        local text = read(path)
        local module = file_of.new(path, text or "")
        for _, folder in ipairs(file.folders) do table.insert(module.folders, folder) end
        seen[modules.plain(path)], others[#others + 1], queue[#queue + 1] = module, module, module
      end
    end
    at = at + 1
  end
  return others
end

--- Fills `findings` of each file.
---@param files aggr.CheckFile[]
---@param known table<string, any> the globals that scripts find
---@param read fun(path: string): string? the text of a module
function analyse.files(files, known, read)
  local defined = {}
  for name in pairs(known) do defined[name] = true end
  for _, file in ipairs(read_modules(files, read)) do globals.defined(file, defined) end
  for _, file in ipairs(files) do globals.defined(file, defined) end
  for _, file in ipairs(files) do
    globals.check(file, defined)
    for _, check in ipairs(file.tree and CHECKS or {}) do check.check(file) end
    file:finish()
  end
end

return analyse
