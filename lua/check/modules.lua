--- check.modules: which files a script's require calls mean, when they lie beside it.
local calls = require "check.calls"
local value = require "check.value"

local modules = {}

--- "a//b/./c.lua" -> "a/b/c.lua"
local function plain(path)
  path = path:gsub("/+", "/"):gsub("/%./", "/")
  return (path:gsub("^%./", ""))
end

--- The folder of a file, "" for the current one; nil for stdin.
---@param name string
---@return string?
function modules.folder(name)
  if name == "-" then return nil end
  return plain(name):match("^(.*/)[^/]*$") or ""
end

local function exists(path)
  local file = io.open(path, "rb")
  if not file then return false end
  local readable = file:read(0) ~= nil or file:seek("end") == 0
  file:close()
  return readable
end

--- The file that require(name) means in one of the folders, or nil.
---@param name string
---@param folders string[]
---@return string?
function modules.find(name, folders)
  if name:find("[%z/]") then return nil end
  local path = name:gsub("%.", "/")
  for _, folder in ipairs(folders) do
    for _, ending in ipairs { ".lua", "/init.lua" } do
      if exists(folder .. path .. ending) then return folder .. path .. ending end
    end
  end
end

--- The names that a file requires.
---@param tree aggr.CheckTree
---@return string[]
function modules.required(tree)
  local names = {}
  for _, node in ipairs(tree.calls) do
    local call = calls.of(node)
    local name = call and call.name == "require" and call.args[1] and value.text(call.args[1])
    if name then names[#names + 1] = name end
  end
  return names
end

modules.plain = plain

return modules
