--- prelude.searcher: finds Lua modules on package.path, as Lua's own does, but takes text only.
local searchpath = package.searchpath

local searcher = {}

--- An entry of package.loaders.
---@param package table whose `path` it follows
---@param load_file fun(name: string, mode: string): function?, string?
---@return fun(name: string): function|string
function searcher.new(package, load_file)
  return function(name)
    local path = package.path
    if type(path) ~= "string" then error("'package.path' must be a string", 0) end
    local filename, message = searchpath(name, path)
    if not filename then return message end
    local chunk, err = load_file(filename, "t")
    if chunk then return chunk end
    if err:sub(1, #filename + 1) == filename .. ":" then error(err, 0) end -- says where
    error(("error loading module '%s' from file '%s':\n\t%s"):format(name, filename, err), 0)
  end
end

return searcher
